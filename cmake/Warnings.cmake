# Each flag says what it catches. Third-party headers are SYSTEM includes and stay silent.
add_library(bemi_warnings INTERFACE)
target_compile_options(
  bemi_warnings
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow # a loop variable that hides a member
            -Wconversion # a length cut to 32 bits
            -Wnon-virtual-dtor # deleting through a base
            -Woverloaded-virtual
            -Wnull-dereference
            -Wimplicit-fallthrough
            -Wcast-align # reading the wire through a cast pointer
            -Wno-missing-field-initializers # designated initialisers leave the rest default
            $<$<BOOL:${BEMI_WERROR}>:-Werror>)
