# One place for code generation: sanitizers in development, hardening in release, and LTO for packages: it
# takes minutes at each link.
option(BEMI_LTO "Optimise at link time" OFF)
if(BEMI_SANITIZE)
  add_compile_options(-fsanitize=${BEMI_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BEMI_SANITIZE})
  if(BEMI_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()
if(BEMI_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${BEMI_LTO})
  include(CheckCXXCompilerFlag)
  include(CheckCXXSourceCompiles)
  # Jumps and returns go only where they may, on processors that watch (x86, arm64).
  check_cxx_compiler_flag(-fcf-protection=full BEMI_HAS_CF_PROTECTION)
  check_cxx_compiler_flag(-mbranch-protection=standard BEMI_HAS_BRANCH_PROTECTION)
  # Level 3 also checks lengths that are known only at run time; older ones warn of it, or ignore it.
  set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_cxx_source_compiles("#include <string.h>\nint main() { return (int)strlen(\"\"); }"
                            BEMI_HAS_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  add_compile_options(
    -U_FORTIFY_SOURCE
    -D_FORTIFY_SOURCE=$<IF:$<BOOL:${BEMI_HAS_FORTIFY_3}>,3,2>
    -D_GLIBCXX_ASSERTIONS
    -fstack-protector-strong
    -fPIE
    -fstack-clash-protection
    $<$<BOOL:${BEMI_HAS_CF_PROTECTION}>:-fcf-protection=full>
    $<$<BOOL:${BEMI_HAS_BRANCH_PROTECTION}>:-mbranch-protection=standard>)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
