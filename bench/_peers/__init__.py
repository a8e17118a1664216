# SPDX-License-Identifier: LGPL-3.0-or-later
"""What `./dev bench peers` is made of: the peers, how each is installed and run, and what is read off it."""
