// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Sets the ring sizes of a network interface: ring INTERFACE RX TX. Exit status: 0 done, 1 refused, 2 wrong use. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct ethtool_ringparam ring = { .cmd = ETHTOOL_GRINGPARAM };
	struct ifreq request = { .ifr_data = (char *)&ring };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc != 4 || fd < 0)
		return 2;
	strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0) {
		perror("get");
		return 1;
	}
	ring.cmd = ETHTOOL_SRINGPARAM;
	ring.rx_pending = (unsigned int)atoi(argv[2]);
	ring.tx_pending = (unsigned int)atoi(argv[3]);
	if (ioctl(fd, SIOCETHTOOL, &request) < 0) {
		perror("set");
		return 1;
	}
	return 0;
}
