# Reads what Cargo.toml and build.rs say of the library's version, so that it is said once.

# The package's version is the first `version = "..."` in Cargo.toml.
function(mysqlfabric_read_version version_variable)
  file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml" lines REGEX "^version = \"[^\"]+\"")
  list(GET lines 0 line)
  if(NOT line MATCHES "\"([0-9]+\\.[0-9]+\\.[0-9]+)")
    message(FATAL_ERROR "Cargo.toml has no version of the form 1.2.3: ${line}")
  endif()
  set(${version_variable} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS Cargo.toml build.rs)
endfunction()

# The ABI number, the one in the SONAME.
function(mysqlfabric_read_abi abi_variable)
  file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/build.rs" line REGEX "^const ABI: u32 = [0-9]+")
  if(NOT line MATCHES "= ([0-9]+)")
    message(FATAL_ERROR "build.rs does not name the ABI as `const ABI: u32 = N;`")
  endif()
  set(${abi_variable} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()
