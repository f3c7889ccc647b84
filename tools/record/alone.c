// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah-record: dmah record alone, linked statically, to carry to a machine that has nothing else. */
#include "cmd.h"

int main(int argc, char **argv)
{
	return cmd_record(argc, argv);
}
