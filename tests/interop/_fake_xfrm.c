/*
 * For kernels without ESP: what libreswan's pluto tells the kernel of SAs goes to a file, and the kernel hears a harmless
 * question instead, which it acknowledges. So Quick Mode comes to its end, and the keys can be compared.
 *
 *     cc -shared -fPIC -o fake_xfrm.so _fake_xfrm.c
 *     FAKE_XFRM_LOG=file LD_PRELOAD=./fake_xfrm.so pluto ...
 *
 * Each line of the file is one message of XFRM, struct nlmsghdr and all, in hexadecimal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int is_xfrm(int fd) {
  int protocol = -1;
  socklen_t length = sizeof protocol;
  int domain = 0;
  socklen_t domain_length = sizeof domain;
  return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_length) && domain == AF_NETLINK &&
         !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) && protocol == NETLINK_XFRM;
}

static int tells_of_sa(const void *bytes, size_t length) {
  const struct nlmsghdr *head = bytes;
  return length >= sizeof *head && (head->nlmsg_type == XFRM_MSG_NEWSA || head->nlmsg_type == XFRM_MSG_UPDSA);
}

static void record(const void *bytes, size_t length) {
  FILE *file = fopen(getenv("FAKE_XFRM_LOG"), "a");
  if (!file) abort();
  for (size_t i = 0; i < length; i++) fprintf(file, "%02x", ((const unsigned char *)bytes)[i]);
  fputc('\n', file);
  fclose(file);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  if (!tells_of_sa(bytes, length) || !is_xfrm(fd)) return real(fd, bytes, length);
  record(bytes, length);
  struct {
    struct nlmsghdr head;
    __u32 flags;
  } question = {.head = *(const struct nlmsghdr *)bytes};
  question.head.nlmsg_len = sizeof question;
  question.head.nlmsg_type = XFRM_MSG_NEWSPDINFO;
  question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  return real(fd, &question, sizeof question) == sizeof question ? (ssize_t)length : -1;
}
