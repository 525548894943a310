# SPDX-License-Identifier: GPL-2.0
"""Sphinx: sphinx-build -b html Documentation out/html"""

project = "kvmflip"
html_theme = "alabaster"
extensions = []
exclude_patterns = ["examples", "man"]
# what is in literal blocks is commands, messages and what they print
highlight_language = "none"
