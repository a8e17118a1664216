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
  add_compile_options(-D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fPIE
                      -fstack-clash-protection)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
