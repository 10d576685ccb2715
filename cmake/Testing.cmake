# How tests that talk to a Fabric are added.

set(MYSQLFABRIC_SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
set(MYSQLFABRIC_LIBRARY_DIR "${library_dir}")
add_custom_target(mysqlfabric_tests_need ALL)
add_dependencies(mysqlfabric_tests_need mysqlfabric_fabricd)

# A machine without valgrind fails these tests rather than leaving them out.
find_program(MYSQLFABRIC_VALGRIND valgrind)
set(valgrind valgrind)
if(MYSQLFABRIC_VALGRIND)
  set(valgrind "${MYSQLFABRIC_VALGRIND}")
endif()
# Its own scheduler starves threads that wait for one that is busy.
list(APPEND valgrind -q --fair-sched=try --error-exitcode=9 --leak-check=full
  --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible
  "--suppressions=${MYSQLFABRIC_SOURCE_DIR}/tests/valgrind.supp")

# mysqlfabric_add_test(<name> [FABRICD <options>...] [LABELS <labels>...] [TIMEOUT <seconds>]
#                      COMMAND <command>...)
# A test that runs while a fabricd of its own does; the command finds it through FABRICD_HOST
# and FABRICD_PORT. See tests/with-fabricd.sh, which FABRICD's options are for.
function(mysqlfabric_add_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "FABRICD;LABELS;COMMAND" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_test(NAME ${name}
    COMMAND "${MYSQLFABRIC_SOURCE_DIR}/tests/with-fabricd.sh" ${arg_FABRICD} -- ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "FABRICD=${MYSQLFABRIC_FABRICD}"
    LABELS "${arg_LABELS}"
    TIMEOUT ${arg_TIMEOUT})
endfunction()

# mysqlfabric_add_c_test(<name> [SOURCES <files>...] [LIBRARIES <libraries>...]
#                        [FABRICD <options>...] [LABELS <labels>...] [TIMEOUT <seconds>])
# A C99 program of <name>.c, or of SOURCES, that is a test of the same name.
function(mysqlfabric_add_c_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES;FABRICD;LABELS" ${ARGN})
  if(NOT arg_SOURCES)
    set(arg_SOURCES ${name}.c)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE MySQLFabric::mysqlfabric mysqlfabric_strict_c
    ${arg_LIBRARIES})
  mysqlfabric_add_test(${name} FABRICD ${arg_FABRICD} LABELS ${arg_LABELS}
    TIMEOUT ${arg_TIMEOUT} COMMAND "$<TARGET_FILE:${name}>")
endfunction()
