# SPDX-License-Identifier: BSD-2-Clause
# For applications built by CMake: cmake -DCMAKE_TOOLCHAIN_FILE=.../scripts/aegis.cmake
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_C_COMPILER ${CMAKE_CURRENT_LIST_DIR}/aegis-cc)
set(CMAKE_AR riscv64-unknown-elf-gcc-ar CACHE STRING "")
set(CMAKE_RANLIB riscv64-unknown-elf-gcc-ranlib CACHE STRING "")
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/run)
