// SPDX-License-Identifier: BSD-2-Clause
/*
 * For the hostile tests: datagrams or SYNs over IPv4 by a raw socket, from any source, as many
 * as the machine makes or as it is told. Prints how many were taken by the kernel.
 *
 * flood udp|syn FROM COUNT FROM-PORT TO TO-PORT OCTETS SECONDS RATE
 * Source addresses are FROM and the COUNT-1 after it; FROM-PORT 0: another for each packet;
 * RATE 0: no limit.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define PACKET_MAX 2048

struct flood {
	bool syn;
	uint32_t from, sources, to; /* host order */
	uint16_t from_port, to_port;
	size_t octets; /* of UDP payload */
	double seconds, rate;
	uint64_t made;
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_in target;
	uint8_t packets[BATCH][PACKET_MAX];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static uint16_t tcp_sum(const struct flood *f, uint32_t from, const struct tcphdr *tcp)
{
	uint16_t words[sizeof *tcp / 2];
	uint32_t sum = (from >> 16) + (from & 0xffff) + (f->to >> 16) + (f->to & 0xffff) +
		       IPPROTO_TCP + (uint32_t)sizeof *tcp;

	memcpy(words, tcp, sizeof words);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		sum += ntohs(words[i]);
	}
	return htons(fold(sum));
}

/* The checksum of IP is the kernel's, that of UDP is none. */
static size_t make(struct flood *f, uint8_t *at)
{
	uint32_t from = f->from + (uint32_t)(f->made % f->sources);
	uint16_t port = f->from_port ? f->from_port : (uint16_t)(1024 + f->made % 60000);
	size_t rest = f->syn ? sizeof(struct tcphdr) : sizeof(struct udphdr) + f->octets;
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .saddr = htonl(from),
			    .protocol = f->syn ? IPPROTO_TCP : IPPROTO_UDP,
			    .daddr = htonl(f->to) };

	ip.tot_len = htons((uint16_t)(sizeof ip + rest));
	memcpy(at, &ip, sizeof ip);
	if (f->syn) {
		struct tcphdr tcp = { .source = htons(port), .dest = htons(f->to_port),
				      .seq = htonl((uint32_t)f->made), .doff = 5, .syn = 1,
				      .window = htons(8192) };

		tcp.check = tcp_sum(f, from, &tcp);
		memcpy(at + sizeof ip, &tcp, sizeof tcp);
	} else {
		struct udphdr udp = { .source = htons(port), .dest = htons(f->to_port),
				      .len = htons((uint16_t)rest) };

		memcpy(at + sizeof ip, &udp, sizeof udp);
		memset(at + sizeof ip + sizeof udp, 0, f->octets);
	}
	f->made++;
	return sizeof ip + rest;
}

static void prepare(struct flood *f)
{
	f->target = (struct sockaddr_in){ .sin_family = AF_INET,
					  .sin_addr = { htonl(f->to) } };
	for (int i = 0; i < BATCH; i++) {
		f->vectors[i].iov_base = f->packets[i];
		f->messages[i].msg_hdr = (struct msghdr){ .msg_name = &f->target,
							  .msg_namelen = sizeof f->target,
							  .msg_iov = &f->vectors[i],
							  .msg_iovlen = 1 };
	}
}

static uint64_t run(struct flood *f, int fd)
{
	double start = now_s(), passed;
	uint64_t sent = 0;

	while ((passed = now_s() - start) < f->seconds) {
		int n;

		if (f->rate > 0 && (double)sent > passed * f->rate) {
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
			continue;
		}
		for (int i = 0; i < BATCH; i++) {
			f->vectors[i].iov_len = make(f, f->packets[i]);
		}
		n = sendmmsg(fd, f->messages, BATCH, 0);
		sent += n > 0 ? (uint64_t)n : 0;
	}
	return sent;
}

static uint32_t parse_address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1) {
		fprintf(stderr, "flood: not an IPv4 address: %s\n", text);
		exit(2);
	}
	return ntohl(a.s_addr);
}

int main(int argc, char **argv)
{
	static struct flood f;
	int fd;

	if (argc != 10) {
		fprintf(stderr, "usage: flood udp|syn FROM COUNT FROM-PORT TO TO-PORT OCTETS "
				"SECONDS RATE\n");
		return 2;
	}
	f.syn = !strcmp(argv[1], "syn");
	f.from = parse_address(argv[2]);
	f.sources = (uint32_t)strtoul(argv[3], NULL, 10);
	f.from_port = (uint16_t)strtoul(argv[4], NULL, 10);
	f.to = parse_address(argv[5]);
	f.to_port = (uint16_t)strtoul(argv[6], NULL, 10);
	f.octets = strtoul(argv[7], NULL, 10);
	f.seconds = strtod(argv[8], NULL);
	f.rate = strtod(argv[9], NULL);
	if (!f.sources || f.octets > PACKET_MAX - 64) {
		return 2;
	}
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("flood: socket");
		return 1;
	}
	prepare(&f);
	printf("%llu\n", (unsigned long long)run(&f, fd));
	return 0;
}
