/* SPDX-License-Identifier: GPL-2.0-only */
/* After the library's headers: dmah names are the module's again. See library.h. */
#include "library_names_end.h"
#undef range
