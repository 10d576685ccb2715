# What a program must link besides libmysqlfabric.a: what Rust's standard library needs.
#
# `cargo rustc --crate-type staticlib -- --print native-static-libs` tells; the test
# native_libraries asserts that it still tells the same, but for gcc_s. That one the compiler adds
# by itself, in the form that fits: gcc_s for an ordinary program, gcc_eh for one that is linked
# with -static, where gcc_s does not exist.
if(APPLE)
  # Not tried on a Mac yet.
  set(MYSQLFABRIC_NATIVE_LIBRARIES iconv System c m)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(MYSQLFABRIC_NATIVE_LIBRARIES util rt pthread m dl c)
else()
  set(MYSQLFABRIC_NATIVE_LIBRARIES pthread m c)
endif()
