// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Boost.URL itself, compiled here once for the whole program: there is no library to link.
#include <boost/url/src.hpp>
