# Lets cargo build the library, and makes MySQLFabric::mysqlfabric (shared) and
# MySQLFabric::static of what it built.
#
# Cargo alone knows what is out of date, so it is asked on every build; what it made is copied
# to lib/ of the build directory, only if it changed, under the names it is installed by.

find_program(MYSQLFABRIC_CARGO cargo HINTS "$ENV{HOME}/.cargo/bin"
  DOC "cargo, the build tool of Rust")
if(NOT MYSQLFABRIC_CARGO)
  message(FATAL_ERROR "cargo is missing: install Rust from https://rustup.rs")
endif()

set(MYSQLFABRIC_CARGO_PROFILE "" CACHE STRING
  "Cargo's profile; empty: dev for CMAKE_BUILD_TYPE Debug, release for all others")
set(MYSQLFABRIC_CARGO_TARGET "$ENV{CARGO_BUILD_TARGET}" CACHE STRING
  "The target triple to build for; empty: the host")
set(target_dir "${CMAKE_CURRENT_SOURCE_DIR}/target")
if(DEFINED ENV{CARGO_TARGET_DIR})
  get_filename_component(target_dir "$ENV{CARGO_TARGET_DIR}" ABSOLUTE)
endif()
set(MYSQLFABRIC_CARGO_TARGET_DIR "${target_dir}" CACHE PATH "Cargo's target directory")

set(profile "${MYSQLFABRIC_CARGO_PROFILE}")
if(profile STREQUAL "")
  set(profile release)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(profile dev)
  endif()
endif()
set(profile_dir "${profile}")
if(profile STREQUAL "dev")
  set(profile_dir debug)
endif()
set(cargo_arguments --locked --manifest-path "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml"
  --target-dir "${MYSQLFABRIC_CARGO_TARGET_DIR}")
# The library of a release names no path of the machine that built it. Not in the dev profile, which
# shares its output with `cargo test`.
set(cargo_dev_arguments ${cargo_arguments})
if(NOT profile STREQUAL "dev")
  set(cargo_home "$ENV{HOME}/.cargo")
  if(DEFINED ENV{CARGO_HOME})
    set(cargo_home "$ENV{CARGO_HOME}")
  endif()
  set(map_home "${cargo_home}=/usr/src/cargo")
  set(map_source "${CMAKE_CURRENT_SOURCE_DIR}=/usr/src/mysqlfabric-${PROJECT_VERSION}")
  list(APPEND cargo_arguments
    --config "build.rustflags=['--remap-path-prefix=${map_home}', '--remap-path-prefix=${map_source}']"
    --config "env.CFLAGS='-ffile-prefix-map=${map_home}'")
endif()
set(cargo_output "${MYSQLFABRIC_CARGO_TARGET_DIR}")
if(MYSQLFABRIC_CARGO_TARGET)
  list(APPEND cargo_arguments --target "${MYSQLFABRIC_CARGO_TARGET}")
  list(APPEND cargo_dev_arguments --target "${MYSQLFABRIC_CARGO_TARGET}")
  string(APPEND cargo_output "/${MYSQLFABRIC_CARGO_TARGET}")
endif()
# Of the dev profile, with what only tests want in the library, and so in a place of its own.
set(hooks_dir "${MYSQLFABRIC_CARGO_TARGET_DIR}/test-hooks")
set(cargo_hooks_arguments --locked --manifest-path "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml"
  --package mysqlfabric --lib --features test-hooks,quiet-panics --target-dir "${hooks_dir}")

# Names: the file carries the whole version, and links lead to it. build.rs gives the library
# the SONAME (macOS: the install name) of the first link.
set(library_dir "${CMAKE_CURRENT_BINARY_DIR}/lib")
set(static_name libmysqlfabric.a)
if(APPLE)
  # Not tried on a Mac yet.
  set(cargo_shared libmysqlfabric.dylib)
  set(shared_name libmysqlfabric.${PROJECT_VERSION}.dylib)
  set(soname libmysqlfabric.${MYSQLFABRIC_ABI}.dylib)
  set(imported_soname "@rpath/${soname}")
else()
  set(cargo_shared libmysqlfabric.so)
  set(shared_name libmysqlfabric.so.${PROJECT_VERSION})
  set(soname libmysqlfabric.so.${MYSQLFABRIC_ABI})
  set(imported_soname "${soname}")
endif()

# What is installed: without debug symbols, where there are tools to take them away. The symbols
# of the shared library are a file of their own, which debuggers find by the library's name.
set(installed_dir "${library_dir}")
set(strip_commands)
if(MYSQLFABRIC_STRIP AND CMAKE_STRIP AND CMAKE_OBJCOPY AND NOT APPLE)
  set(installed_dir "${library_dir}/stripped")
  set(debug_name "${shared_name}.debug")
  set(strip_commands
    COMMAND "${CMAKE_COMMAND}" "-DLIBRARY_DIR=${library_dir}" "-DOUTPUT_DIR=${installed_dir}"
      "-DSHARED=${shared_name}" "-DSTATIC=${static_name}" "-DDEBUG=${debug_name}"
      "-DSTRIP=${CMAKE_STRIP}" "-DOBJCOPY=${CMAKE_OBJCOPY}"
      -P "${CMAKE_CURRENT_SOURCE_DIR}/cmake/StripLibraries.cmake")
endif()

include(Tools)

file(MAKE_DIRECTORY "${library_dir}")
add_custom_target(mysqlfabric_library ALL
  COMMAND "${MYSQLFABRIC_CARGO}" build ${cargo_arguments} --profile "${profile}"
    --package mysqlfabric --lib --features mysqlfabric/quiet-panics ${tools_arguments}
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
    "${cargo_output}/${profile_dir}/${cargo_shared}" "${library_dir}/${shared_name}"
  COMMAND "${CMAKE_COMMAND}" -E copy_if_different
    "${cargo_output}/${profile_dir}/${static_name}" "${library_dir}/${static_name}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink ${shared_name} "${library_dir}/${soname}"
  COMMAND "${CMAKE_COMMAND}" -E create_symlink ${soname} "${library_dir}/${cargo_shared}"
  ${strip_commands}
  ${tools_commands}
  BYPRODUCTS "${library_dir}/${shared_name}" "${library_dir}/${static_name}" ${tools_files}
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "Building the library with cargo (${profile})"
  USES_TERMINAL
  VERBATIM)

add_library(MySQLFabric::mysqlfabric SHARED IMPORTED GLOBAL)
set_target_properties(MySQLFabric::mysqlfabric PROPERTIES
  IMPORTED_LOCATION "${library_dir}/${shared_name}"
  IMPORTED_SONAME "${imported_soname}"
  INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_SOURCE_DIR}/include")
add_dependencies(MySQLFabric::mysqlfabric mysqlfabric_library)

add_library(MySQLFabric::static STATIC IMPORTED GLOBAL)
set_target_properties(MySQLFabric::static PROPERTIES
  IMPORTED_LOCATION "${library_dir}/${static_name}"
  IMPORTED_LINK_INTERFACE_LANGUAGES C
  INTERFACE_LINK_LIBRARIES "${MYSQLFABRIC_NATIVE_LIBRARIES}"
  INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_SOURCE_DIR}/include")
add_dependencies(MySQLFabric::static mysqlfabric_library)

# fabricd, the stand-in Fabric node of the tests: not part of ALL unless there are tests. Always
# of the dev profile, which compiles in half the time and is shared with `cargo test`.
set(MYSQLFABRIC_FABRICD "${cargo_output}/debug/fabricd")
add_custom_target(mysqlfabric_fabricd
  COMMAND "${MYSQLFABRIC_CARGO}" build ${cargo_dev_arguments} --package fabricd --bin fabricd
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "Building fabricd with cargo"
  USES_TERMINAL
  VERBATIM)
# One cargo at a time: they would wait for each other's lock anyway.
add_dependencies(mysqlfabric_fabricd mysqlfabric_library)
