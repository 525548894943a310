# SPDX-License-Identifier: GPL-2.0
# Of the programs, the library and the packages.
VERSION := 0.1
