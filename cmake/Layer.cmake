# add_layer(name USES layer... [LIBS target...])
#
# One static library per folder of src/. The file name says what a file is for:
#   x.cpp         part of the layer
#   x_test.cpp    a test that needs nothing
#   x_pgtest.cpp  a test that starts PostgreSQL servers (ctest label "pg")
#   x_fuzz.cpp    a libFuzzer target, built by the preset "fuzz"
#   x_sim.cpp     a seeded simulation; its short run is a test
#   sql/x.sql     a statement: `sql::x` of the generated header NAME/sql.hpp
function(add_layer name)
  cmake_parse_arguments(ARG "" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  set(fuzzers ${sources})
  set(simulations ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|pgtest|fuzz|sim|bench)\\.cpp$")
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  list(FILTER tests INCLUDE REGEX "_(test|pgtest)\\.cpp$")
  list(FILTER simulations INCLUDE REGEX "_sim\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  # Only a layer's own sources are compiled several at a time: each test has helpers of its own.
  set(is_unity ${CMAKE_UNITY_BUILD})
  set(CMAKE_UNITY_BUILD OFF)
  list(TRANSFORM ARG_USES PREPEND bemi_)
  if(sources)
    add_library(bemi_${name} STATIC ${sources})
    target_include_directories(bemi_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(bemi_${name} PUBLIC ${ARG_USES} ${ARG_LIBS} PRIVATE bemi_warnings)
    set_target_properties(bemi_${name} PROPERTIES UNITY_BUILD "${is_unity}")
  else() # a layer of headers only
    add_library(bemi_${name} INTERFACE)
    target_include_directories(bemi_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(bemi_${name} INTERFACE ${ARG_USES} ${ARG_LIBS})
  endif()

  layer_sql(${name})
  if(BEMI_TESTS)
    layer_tests(${name} ${tests})
    foreach(simulation ${simulations})
      get_filename_component(target ${simulation} NAME_WE)
      add_executable(${target} ${simulation})
      target_link_libraries(${target} PRIVATE bemi_${name} bemi_warnings)
      add_test(NAME ${target} COMMAND ${target} --schedules 1000)
      set_tests_properties(${target} PROPERTIES LABELS pure)
    endforeach()
  endif()
  if(BEMI_TESTS)
    foreach(fuzzer ${fuzzers})
      layer_replay(${name} ${fuzzer})
    endforeach()
  endif()
  if(BEMI_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE bemi_${name} -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()

# Statements that are too long to stand beside the code that sends them.
function(layer_sql name)
  file(GLOB files CONFIGURE_DEPENDS sql/*.sql)
  if(NOT files)
    return()
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(constants "")
  foreach(file ${files})
    get_filename_component(statement ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND constants
           "inline constexpr const char* ${statement} = R\"bemi_sql(${text})bemi_sql\";\n")
  endforeach()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated)
  file(CONFIGURE OUTPUT ${generated}/${name}/sql.hpp @ONLY CONTENT
       "// Made from src/${name}/sql/.\n#pragma once\n\nnamespace bemi::${name}::sql {\n\n${constants}\n}\n")
  target_include_directories(bemi_${name} PUBLIC ${generated})
endfunction()

function(layer_tests name)
  include(GoogleTest)
  foreach(kind test pgtest)
    set(files ${ARGN})
    list(FILTER files INCLUDE REGEX "_${kind}\\.cpp$")
    if(files)
      add_executable(${name}_${kind} ${files})
      target_link_libraries(${name}_${kind} PRIVATE bemi_${name} GTest::gtest_main bemi_warnings)
      target_compile_definitions(${name}_${kind}
                                 PRIVATE BEMI_PROJECT_DIR="${PROJECT_SOURCE_DIR}")
      # A test runs for a moment: half the time of compiling it is worth more.
      target_compile_options(${name}_${kind} PRIVATE $<$<CONFIG:Debug>:-O0>)
      if(kind STREQUAL "pgtest")
        set(labels pg)
      else()
        set(labels pure)
      endif()
      gtest_discover_tests(${name}_${kind} TEST_PREFIX "${name}." DISCOVERY_TIMEOUT 60
                           PROPERTIES LABELS ${labels})
    endif()
  endforeach()
endfunction()

# A fuzz target over its corpus and mutations of it, as a test: always the same ones.
function(layer_replay name fuzzer)
  get_filename_component(target ${fuzzer} NAME_WE)
  string(REPLACE "_fuzz" "" subject ${target})
  add_executable(${subject}_replay ${fuzzer} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.cpp)
  target_link_libraries(${subject}_replay PRIVATE bemi_${name} bemi_warnings)
  add_test(NAME ${subject}_replay COMMAND ${subject}_replay
                                          ${PROJECT_SOURCE_DIR}/tests/corpus/${subject} 1)
  set_tests_properties(${subject}_replay PROPERTIES LABELS pure)
endfunction()
