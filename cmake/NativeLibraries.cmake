# What a program must link besides libmysqlfabric.a: what Rust's standard library needs.
#
# `cargo rustc --crate-type staticlib -- --print native-static-libs` tells; the test
# native_libraries asserts that it still tells the same.
if(APPLE)
  # Not tried on a Mac yet.
  set(MYSQLFABRIC_NATIVE_LIBRARIES iconv System c m)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(MYSQLFABRIC_NATIVE_LIBRARIES gcc_s util rt pthread m dl c)
else()
  set(MYSQLFABRIC_NATIVE_LIBRARIES gcc_s pthread m c)
endif()
