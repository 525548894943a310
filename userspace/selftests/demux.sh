#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unit test of the demux program, frame by frame (userspace/bpf/demux-test.c).
exec "$(dirname "$0")/../bpf/demux-test"
