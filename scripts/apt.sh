# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A private apt configuration: the machine's own Debian mirror with more suites
# than the machine has enabled, without touching the machine's sources. Sourced
# after progress.sh and cache.sh.

# shellcheck disable=SC2154 # cache.sh has it
aptdir=$cache/apt

# The mirror of the machine's own Debian suite, in either format of sources
mirror() {
	local suite=$1

	{
		# one line: deb [options] URI SUITE COMPONENT...
		sed -n 's/^deb \(\[[^]]*\] \)\?//p' /etc/apt/sources.list \
			/etc/apt/sources.list.d/*.list 2>/dev/null |
			awk -v s="$suite" '$2 == s { print $1 }'
		# paragraphs
		cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
			awk -v s="$suite" -v RS= '{
				uri = ""; found = 0
				n = split($0, line, "\n")
				for (i = 1; i <= n; i++) {
					m = split(line[i], word, " ")
					if (word[1] == "URIs:")
						uri = word[2]
					if (word[1] == "Suites:")
						for (j = 2; j <= m; j++)
							found = found || word[j] == s
				}
				if (found && uri != "")
					print uri
			}'
	} | head -n 1
}

# private_apt: make the configuration current; afterwards papt and papt_cache
# are apt-get and apt-cache with it
private_apt() {
	local codename uri suite key=''

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	uri=$(mirror "$codename")
	[[ -n $uri ]] || die "no Debian mirror for '$codename' in /etc/apt: is this Debian?"
	mkdir -p "$aptdir"/{etc,state/lists/partial,cache/archives/partial}
	cat >"$aptdir/apt.conf" <<-END
	Dir::State "$aptdir/state";
	Dir::State::status "/var/lib/dpkg/status";
	Dir::Cache "$aptdir/cache";
	Dir::Etc::sourcelist "$aptdir/etc/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::Etc::preferences "$aptdir/etc/preferences";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::Etc::parts "/etc/apt/apt.conf.d";
	APT::Sandbox::User "root";
	END
	[[ -r /usr/share/keyrings/debian-archive-keyring.gpg ]] &&
		key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	# Whatever is not asked for by its suite comes from the machine's own:
	# nothing here may pull in another release's libc.
	: >"$aptdir/etc/sources.list.new"
	: >"$aptdir/etc/preferences"
	for suite in "$codename" bookworm-backports trixie trixie-backports sid; do
		echo "deb $key$uri $suite main" >>"$aptdir/etc/sources.list.new"
		[[ $suite == "$codename" ]] ||
			printf 'Package: *\nPin: release n=%s\nPin-Priority: 50\n\n' \
				"$suite" >>"$aptdir/etc/preferences"
	done
	if ! cmp -s "$aptdir/etc/sources.list"{.new,} ||
	   [[ -z $(find "$aptdir/updated" -mtime -1 2>/dev/null) ]]; then
		say "apt: package lists of $codename, backports, trixie and sid"
		mv "$aptdir/etc/sources.list"{.new,}
		papt update -qq -o APT::Update::Error-Mode=any >"$aptdir/update.log" 2>&1 ||
			die "no network? apt cannot read $uri, see $aptdir/update.log"
		touch "$aptdir/updated"
	fi
}

papt() {
	APT_CONFIG=$aptdir/apt.conf apt-get "$@"
}

papt_cache() {
	APT_CONFIG=$aptdir/apt.conf apt-cache "$@"
}

# unpack PACKAGE[=VERSION] DIR: download it and unpack it there, installing
# nothing
unpack() {
	local tmp

	tmp=$(mktemp -d "$cache/unpack.XXXXXX")
	(cd "$tmp" && quietly "$aptdir/download.log" papt download -qq "$1")
	mkdir -p "$2"
	dpkg -x "$tmp"/*.deb "$2"
	rm -rf "$tmp"
}
