// SPDX-License-Identifier: Apache-2.0
//
// Catch2 version 2 (Debian 12) and version 3 (later ones) under one include.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
