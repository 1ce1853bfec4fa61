# SPDX-License-Identifier: Apache-2.0
# Every target of the project links coffer_settings: warnings, sanitizers, hardening.
add_library(coffer_settings INTERFACE)
target_compile_options(coffer_settings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${COFFER_WERROR}>:-Werror>)
# g++ 12 sees std::string's own copies as out of bounds or overlapping (GCC bugs 105329, 105651, mended in 13).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(coffer_settings INTERFACE -Wno-array-bounds -Wno-restrict)
endif()

if(COFFER_SANITIZE)
    target_compile_options(coffer_settings INTERFACE
        -fsanitize=${COFFER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(coffer_settings INTERFACE -fsanitize=${COFFER_SANITIZE})
else()
    target_compile_options(coffer_settings INTERFACE
        -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    target_link_options(coffer_settings INTERFACE -Wl,-z,relro,-z,now)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
