#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What kvmflip prints and returns as far as no module is needed: help, options,
# abbreviations, errors in the command line. Prints KTAP; any user may run it.
#
# expect STATUS STDERR -- ARGS...: kvmflip ARGS ends with STATUS and says
# exactly "kvmflip: STDERR" (nothing, if empty). Sizes and the like are judged
# before the module is asked, so that status 2 shows they were accepted.
set -u
here=$(cd "$(dirname "$0")" && pwd)
kvmflip=${KVMFLIP:-$here/../kvmflip}
spec=$here/../../../Documentation/netlink/specs/kvmflip.yaml
unloaded='the kvmflip module is not loaded: modprobe kvmflip'
tests=0 failures=0

result() { # OK NAME
	tests=$((tests + 1))
	if ((!$1)); then
		failures=$((failures + 1))
		printf 'not '
	fi
	printf 'ok %d %s\n' "$tests" "$2"
}

# a message that would have to be changed in two places is a pattern here
expect() {
	local status=$1 message=$2 out err got ok=1

	shift 3
	err=$("$kvmflip" "$@" 2>&1 >/dev/null </dev/null)
	got=$?
	out=$("$kvmflip" "$@" 2>/dev/null </dev/null)
	if ((got != status)); then
		echo "# status $got, not $status"
		ok=0
	fi
	# shellcheck disable=SC2053 # a pattern
	if [[ $err != ${message:+kvmflip: $message} ]]; then
		echo "# said: $err"
		ok=0
	fi
	if ((status)) && [[ -n $out ]]; then
		echo "# printed to stdout: $out"
		ok=0
	fi
	result "$ok" "kvmflip ${*//$'\n'/ }"
}

golden() { # NAME ARGS...: stdout is what tests/NAME.txt has
	local name=$1 ok=1

	shift
	"$kvmflip" "$@" 2>&1 | diff "$here/$name.txt" - | sed 's/^/# /'
	((PIPESTATUS[1] == 0)) || ok=0
	result "$ok" "kvmflip $* (golden)"
}

same() { # NAME FILE FILE
	local ok=1

	diff "$2" "$3" | sed 's/^/# /'
	((PIPESTATUS[0] == 0)) || ok=0
	result "$ok" "$1"
}

# counters in this program are those of the specification, and none is left out
names() {
	same 'every counter is in one group' \
		<(sed -n '/^    name: stats/,/^    name: pool/s/^        name: //p' "$spec" | sort) \
		<(sed -n '/groups\[\] = {/,/^};/{s/^\t{ "[a-z]*", {//;p}' "$here/../counters.c" |
			grep -o '"[a-z-]*"' | tr -d '"' | sort)
}

# completes LINE WORDS: what bash offers at the end of LINE
completes() {
	local ok=1 got

	got=$(
		# shellcheck source=../completion/kvmflip
		. "$here/../completion/kvmflip"
		COMP_LINE=$1 COMP_POINT=${#1}
		_kvmflip
		echo "${COMPREPLY[*]}"
	)
	if [[ $got != "$2" ]]; then
		echo "# completed to: $got"
		ok=0
	fi
	result "$ok" "completion of '$1'"
}

# what is wrong with the kernel's tracing, in a root of files
traces() {
	local root

	root=$(mktemp -d)
	export KVMFLIP_ROOT=$root
	expect 2 "trace: there is no $root/sys/kernel/tracing: mount -t tracefs trace /sys/kernel/tracing" -- trace
	mkdir -p "$root/sys/kernel/tracing/instances"
	expect 2 "$unloaded" -- trace
	mkdir -p "$root/sys/kernel/tracing/events/kvmflip"
	expect 2 "trace: $root/sys/kernel/tracing/instances/kvmflip-*/events/kvmflip/enable: No such *" -- trace
	expect 2 "trace: $root/sys/kernel/tracing/instances/kvmflip-*/events/kvmflip/filter: No such *" -- tr p p
	unset KVMFLIP_ROOT
	rm -r "$root"
}

# typed SHELL LINE WANT: an interactive bash or zsh makes this of LINE and a TAB
typed() {
	local ok=1 got

	type -P "$1" >/dev/null || { result 1 "'$2' and TAB in $1 # SKIP no $1"; return; }
	got=$(python3 - "$here/../completion" "$@" <<-'END'
	import os, pty, re, select, sys, tempfile

	completion, shell, line, want = sys.argv[1:]
	pid, terminal = pty.fork()
	if not pid:
	    os.environ.update(PS1="$ ", TERM="dumb", INPUTRC="/dev/null")
	    os.execvp(shell, {"bash": ["bash", "--norc", "--noprofile", "-i"],
	                      "zsh": ["zsh", "-f", "-i"]}[shell])
	seen = ""

	def until(text):
	    global seen
	    while text not in seen and select.select([terminal], [], [], 20)[0]:
	        seen += re.sub(r"\x1b\[[0-9;?]*.|.\x08", "",
	                       os.read(terminal, 1024).decode(errors="replace"))

	with tempfile.TemporaryDirectory() as directory:
	    start = f". {completion}/kvmflip"
	    if shell == "zsh":
	        # as make install has it
	        with open(f"{completion}/_kvmflip.in") as template, \
	             open(f"{directory}/_kvmflip", "w") as file:
	            file.write(template.read().replace("@completion@", f"{completion}/kvmflip"))
	        start = f"fpath=({directory} $fpath); autoload -U compinit; compinit -u -D"
	    os.write(terminal, f"{start}; echo rea''dy\n".encode())
	    until("ready")
	    seen = ""
	    os.write(terminal, f"{line}\t".encode())
	    until(want)
	    print(seen.strip("\r\n"), end="|")
	    os.write(terminal, b"\x15exit\n")
	    os.close(terminal)
	    os.waitpid(pid, 0)
	END
	)
	if [[ $got != *"$3|" ]]; then
		echo "# an interactive $1 made it: $got"
		ok=0
	fi
	result "$ok" "'$2' and TAB in $1"
}

echo 'KTAP version 1'
if grep -q '^kvmflip ' /proc/modules 2>/dev/null; then
	echo '1..0 # SKIP the module is loaded'
	exit 4
fi

golden help help
golden help -h
golden help --help
golden pool-help pool help
golden pool-help pool add help
golden pool-help pool show help
golden rxq-help rxq help
golden rxq-help rxq attach help
golden port-help port help
golden port-help por help
golden port-help port del help
golden check-help check help
golden check-help che --help
golden monitor-help monitor help
golden apply-help apply help
golden save-help save help
golden metrics-help metrics help
golden top-help top help
golden trace-help trace help
expect 0 '' -- help
expect 0 '' -- -V
expect 0 '' -- -Version
names

# objects, commands and options
expect 1 'an object is missing: pool, rxq or port (see kvmflip help)' --
expect 1 'unknown object "bridge"' -- bridge
expect 1 'unknown object ""' -- ''
expect 1 'object "p" is ambiguous: "pool" or "port"' -- p s
expect 1 'object "po" is ambiguous: "pool" or "port"' -- po
expect 1 'unknown object "pools"' -- pools
expect 1 'unknown command "frob"' -- pool frob
expect 1 'unknown option "-x"' -- -x pool
expect 1 'unknown option "--frob"' -- --frob pool
expect 2 "$unloaded" -- pool
expect 2 "$unloaded" -- poo
expect 2 "$unloaded" -- -j -p -s pool show
expect 2 "$unloaded" -- -jps poo s
expect 2 "$unloaded" -- -json -pretty -statistics port
expect 2 "$unloaded" -- r
expect 2 "$unloaded" -- por sh vm1
expect 1 'unexpected argument "b"' -- pool show a b
expect 1 'unexpected argument "b"' -- pool del a b
expect 1 'unexpected argument "x"' -- rxq detach lo 0 x
expect 1 'unexpected argument "x"' -- rxq show lo x

expect 1 'unexpected argument "x"' -- check lo x
expect 1 'unknown kind "vm1"' -- monitor vm1
expect 1 'kind "p" is ambiguous: "pool" or "port"' -- monitor p
expect 1 'unexpected argument "x"' -- monitor port x
expect 2 "$unloaded" -- monitor
expect 2 "$unloaded" -- -j mo por

expect 1 'apply: a file is missing' -- apply
expect 1 'apply: a file is missing' -- apply -n
expect 1 'unexpected argument "y"' -- apply x y
expect 1 'unexpected argument "x"' -- save x
expect 2 "$unloaded" -- save
expect 1 'unexpected argument "x"' -- metrics x
expect 2 "$unloaded" -- metrics
expect 2 "$unloaded" -- top
expect 2 "$unloaded" -- top i 2 c 3
expect 1 'interval must not be 0' -- top interval 0
expect 1 'interval "1s" is not a number *' -- top interval 1s
expect 1 'unknown argument "vm1"' -- top vm1
expect 1 'unknown argument "vm1"' -- trace vm1
expect 1 'buffer "p0" is not a number *' -- trace buffer p0
expect 1 'count "-1" is not a number *' -- trace count -1
expect 1 'trace: pool: name "a b" has *' -- trace pool 'a b'
expect 1 'object "t" is ambiguous: "top" or "trace"' -- t
traces
expect 1 'object "m" is ambiguous: "monitor" or "metrics"' -- m
expect 2 '/nonexistent: No such file or directory' -- apply /nonexistent
expect 2 '/nonexistent: No such file or directory' -- -b /nonexistent
expect 1 'option "-b" needs a value' -- -b
expect 1 'unexpected argument "pool"' -- -b /dev/null pool
expect 0 '' -- -b /dev/null
expect 2 "$unloaded" -- apply /dev/null
expect 2 "$unloaded" -- -d port

# what is wrong with a line of a file, and which one it is
file=$(mktemp)
trap 'rm -f "$file"' EXIT
in_file() { # OPTION... STATUS MESSAGE TEXT: -b or apply; {} is the place
	printf '%b' "$4" >"$file"
	expect "$2" "${3//\{\}/$file}" -- "$1" "$file"
}
in_file -b 2 "{}:3: $unloaded" '# pools\n\n  pool show # all\npool frob\n'
in_file -b 1 '{}:2: unknown command "frob"' '# x\npool frob\n'
in_file -b 1 '{}:1: size "4 K" is not a size *' 'pool add p size "4 K" buffer 4K\n'
in_file -b 1 "{}:1: size \"4'K\" is not a size *" "pool add p size \"4'K\" buffer 4K\n"
in_file -b 1 '{}:1: a quote does not end' 'pool add "p'
in_file -b 1 '{}:3: unknown argument "colour"' 'pool add p \\\n size 4K \\\n colour red\n'
in_file -b 2 "{}:1: $unloaded" 'pool del p'
in_file -b 1 '{}:1: more than 64 words' "$(printf 'x %.0s' {1..65})"
in_file -b 1 '{}:1: unknown object ""' '""'
in_file apply 1 '{}:1: unknown object "check"' 'check\n'
in_file apply 1 '{}:2: unknown command "del"' '# x\npool del p\n'
in_file apply 1 '{}:1: a command is missing' 'port\n'
in_file apply 1 '{}:1: port add v: "pool" is missing' 'port add v mac 52:54:00:00:00:01\n'
in_file apply 1 '{}:1: mode "st" is ambiguous: *' 'rxq attach eth0 all pool p mode st\n'
in_file apply 1 '{}:1: unexpected argument "x"' 'rxq detach eth0 1 x\n'
in_file apply 1 '{}:2: vlan "5000" is not a number *' 'pool add p size 4K buffer 4K\nport add v pool p mac 52:54:00:00:00:01 vlan 5000'
in_file apply 2 "$unloaded" 'poo a p size 4K buffer 4K\nrx at eth0 all pool p\nrx d eth0 1'

in_file apply 2 "$unloaded" 'pool add p size 4K buffer 4K\n'
expect 2 "$here: Is a directory" -- -b "$here"
expect 2 "$here: Is a directory" -- apply "$here"

# what differs from what there is, and cannot be changed
kvmflip=$here/kvmflip-fake
export KVMFLIP_FAKE=$here/fake
in_file apply 2 '{}:1: pool p0: size is 256M and not 8M: delete the pool first' 'pool add p0 size 8M buffer 2M\n'
in_file apply 2 '{}:1: pool p0: node is not 3: delete the pool first' 'pool add p0 size 256M buffer 2M node 3\n'
in_file apply 2 '{}:1: port vm1: pool is p0 and not p1: delete the port first' \
	'port add vm1 pool p1 mac 52:54:00:00:01:01\n'
in_file apply 2 '{}:1: port vm1: uuid is c73f1fa6-* and not e73f1fa6-*: delete the port first' \
	'port add vm1 pool p0 mac 52:54:00:00:01:01 uuid e73f1fa6-489e-4834-9476-d70dabd98c40\n'
in_file apply 2 '*lo has no receive queue 7: it has 1' 'rxq attach lo 7 pool p0\n'
in_file apply 1 '{}:1: port add: the command is too long' \
	"port add v pool p0 mac 52:54:00:00:01:09 latency $(printf '%0600d' 1)\\n"
# of the size of one struct queue
export KVMFLIP_NO_CALLOC=56
in_file apply 2 '*lo: out of memory' 'rxq attach lo 0 pool p0\n'
export KVMFLIP_NO_MALLOC=256
expect 2 'JSON: out of memory' -- -j pool
unset KVMFLIP_NO_MALLOC KVMFLIP_NO_CALLOC
KVMFLIP_ROOT=$(mktemp -d)
export KVMFLIP_ROOT
mkdir -p "$KVMFLIP_ROOT/sys/kernel/tracing/"{events/kvmflip,instances/kvmflip-1/events/kvmflip}
touch "$KVMFLIP_ROOT/sys/kernel/tracing/instances/kvmflip-1/events/kvmflip/enable"
expect 2 'trace: */instances/kvmflip-1/trace_pipe: No such file or directory' -- trace
expect 2 'trace: */instances/kvmflip-1/events/kvmflip/filter: No such file or directory' -- trace pool p0
rm -r "$KVMFLIP_ROOT"
unset KVMFLIP_ROOT KVMFLIP_FAKE
kvmflip=${KVMFLIP:-$here/../kvmflip}

# no memory
yes 'pool add p size 4K buffer 4K' | head -n 300000 >"$file"
ulimit -Sv 50000
expect 2 "$file:*: out of memory" -- apply "$file"
ulimit -Sv unlimited

# no socket: the file of commands is the one descriptor more that there may be
echo pool >"$file"
same 'no descriptor left' <(ulimit -n 4; "$kvmflip" -b "$file" 2>&1 </dev/null 3>&-) \
	<(echo "kvmflip: $file:1: no netlink socket: Too many open files")

# names
expect 1 'pool del: a name is missing' -- pool del
expect 1 'pool del: the name is empty' -- pool del ''
expect 2 "$unloaded" -- pool del "$(printf 'n%.0s' {1..31})"
expect 1 'pool del: name "*" is longer than 31 characters' -- pool del "$(printf 'n%.0s' {1..32})"
expect 1 'pool del: name "a b" has *' -- pool del 'a b'
expect 1 'pool del: name "a/b" has a blank, slash or the like' -- pool del a/b
expect 1 'pool del: name "a b" has *' -- pool del $'a\nb'

# pool add, sizes
expect 1 'pool add: a name is missing' -- pool add
expect 1 'pool add p: "size" is missing' -- pool add p
expect 1 'pool add p: "buffer" is missing' -- pool add p size 1M
expect 1 '"size" needs a value' -- pool add p buffer 4K size
expect 1 '"size" is given twice' -- pool add p size 1M si 2M buffer 4K
expect 1 'unknown argument "colour"' -- pool add p colour red
for size in 4096 4K 4k 4KiB 1M 1MiB 64m 2G 1T 16777216T; do
	status=2 message=$unloaded
	[[ $size != 16777216T ]] || status=1 message='size "16777216T" is too large'
	expect "$status" "$message" -- pool add p size "$size" buffer 4K
done
for size in '' K 4X 4KB 4Ki 4KiBs -4K +4K ' 4K' '4 K' 0x1000 1.5M; do
	expect 1 "size \"$size\" is not a size such as 4096, 4K, 2M or 1G" -- \
		pool add p size "$size" buffer 4K
done
expect 1 'size must not be 0' -- pool add p size 0 buffer 4K
expect 1 'size must not be 0' -- pool add p size 0K buffer 4K
expect 1 'size "18446744073709551616" is too large' -- pool add p size 18446744073709551616 buffer 4K
expect 1 'size "99999999999999999999K" is too large' -- pool add p size 99999999999999999999K buffer 4K
expect 1 'size "6K" is not a multiple of the buffer'"'"'s 4K' -- pool add p size 6K buffer 4K
expect 1 'size "3M" is not a multiple of the buffer'"'"'s 2M' -- pool add p size 3M buffer 2M
expect 1 'buffer "8K" is neither 4K nor 2M' -- pool add p size 1M buffer 8K
expect 2 "$unloaded" -- pool a p s 4M b 2097152 n 0 c 2048
expect 2 "$unloaded" -- pool add p size 4M buffer 2M chunk 2K
expect 2 "$unloaded" -- pool add p size 4M buffer 4K chunk 4096
expect 1 'chunk "1K" is neither 2K nor 4K' -- pool add p size 4M buffer 4K chunk 1K
expect 1 'chunk "0" is neither 2K nor 4K' -- pool add p size 4M buffer 4K chunk 0
expect 1 'chunk "two" is not a size *' -- pool add p size 4M buffer 4K chunk two
expect 1 'buffer "0" is neither 4K nor 2M' -- pool add p size 4M buffer 0
expect 1 'node "-1" is not a number from 0 to 2147483647' -- pool add p size 4M buffer 4K node -1
expect 1 'node "one" is not a number *' -- pool add p size 4M buffer 4K node one

# rxq
expect 1 'rxq attach: a network device is missing' -- rxq attach
expect 1 'rxq attach eth0: a queue is missing: a number, or all' -- rxq attach eth0
expect 1 'rxq detach eth0: a queue is missing: a number, or all' -- rxq detach eth0
expect 1 'rxq attach eth0: "pool" is missing' -- rxq attach eth0 0
expect 1 'queue "one" is not a number from 0 to 65535' -- rxq attach eth0 one pool p
expect 1 'queue "65536" is not a number *' -- rxq attach eth0 65536 pool p
expect 1 'queue "al" is not a number *' -- rxq attach eth0 al pool p
expect 1 'unknown mode "lax"' -- rxq attach eth0 all pool p mode lax
expect 1 'mode "st" is ambiguous: "strict" or "steered"' -- rxq attach eth0 all pool p mode st
expect 1 'argument "p" is ambiguous: "pool" or "port"' -- rxq attach eth0 all p p
expect 1 'rxq attach eth0: mode steered needs a port' -- rxq attach eth0 0 pool p mode steered
expect 1 'rxq attach eth0: a port is for mode steered only' -- rxq attach eth0 0 pool p port v
expect 1 'rxq attach eth0: a port is for mode steered only' -- rxq attach eth0 0 pool p mode copy port v
expect 1 'port: the name is empty' -- rxq attach eth0 0 pool p mode steered port ''
expect 2 "$unloaded" -- rxq attach lo 0 pool p mode steered port v
expect 2 "$unloaded" -- rxq attach lo all pool p mode copy
expect 1 '"pool" needs a value' -- rxq attach eth0 all pool
expect 2 "$unloaded" -- rxq attach lo all pool p mode strict
expect 2 "$unloaded" -- rxq at lo 0 poo p m ste por v
expect 2 'nosuchdev: there is no such network device' -- rxq show nosuchdev
expect 2 'a-name-that-is-too-long-for-a-device: there is no such *' -- rxq show a-name-that-is-too-long-for-a-device

# port
mac=52:54:00:00:00:01
expect 1 'port add v: "pool" is missing' -- port add v
expect 1 'port add v: "mac" is missing' -- port add v pool p
expect 1 'argument "m" is ambiguous: "mac" or "min" or "max"' -- port add v m $mac
expect 2 "$unloaded" -- port add v pool p mac $mac
expect 2 "$unloaded" -- port add v p p mac 52:54:0:0:0:a vl 4094 max 1M u c73f1fa6-489e-4834-9476-d70dabd98c40
expect 2 "$unloaded" -- port add v pool p mac $mac vlan 0
for bad in '' 52:54:00:00:00 52:54:00:00:00:01:02 52-54-00-00-00-01 52:54:00:00:00:1g \
	' 52:54:00:00:00:01' 52:54:00:00:00:+1 152:54:00:00:00:01; do
	expect 1 "mac \"$bad\" is not an address such as 52:54:00:12:34:56" -- \
		port add v pool p mac "$bad"
done
expect 1 'mac 01:00:5e:00:00:01 is a group address; a port needs a unicast one' -- port add v pool p mac 01:00:5e:00:00:01
expect 1 'mac ff:ff:ff:ff:ff:ff is a group address; *' -- port set v mac ff:ff:ff:ff:ff:ff
expect 1 'mac must not be all zeroes' -- port add v pool p mac 00:00:00:00:00:00
expect 1 'vlan "4095" is not a number from 0 to 4094' -- port add v pool p mac $mac vlan 4095
expect 1 'vlan "0x7" is not a number from 0 to 4094' -- port add v pool p mac $mac vlan 0x7
expect 1 'max must not be 0' -- port add v pool p mac $mac max 0
expect 1 'min "some" is not a size *' -- port add v pool p mac $mac min some
expect 2 "$unloaded" -- port add v pool p mac $mac min 0 max 1M
expect 2 "$unloaded" -- port add v pool p mac $mac mi 4M max 8M c 0 l 0
expect 2 "$unloaded" -- port set v copybreak 4096 latency 60000000
expect 1 'copybreak "4097" is not a number from 0 to 4096' -- port set v copybreak 4097
expect 1 'copybreak "1K" is not a number *' -- port set v copybreak 1K
expect 1 'latency "60000001" is not a number from 0 to 60000000' -- port set v latency 60000001
expect 1 'latency "-1" is not a number *' -- port set v latency -1
for bad in '' x c73f1fa6489e48349476d70dabd98c40 c73f1fa6-489e-4834-9476-d70dabd98c4 \
	c73f1fa6-489e-4834-9476-d70dabd98c40a c73f1fa6-489e-4834-9476_d70dabd98c40 \
	g73f1fa6-489e-4834-9476-d70dabd98c40; do
	expect 1 "uuid \"$bad\" is not a UUID such as c73f1fa6-489e-4834-9476-d70dabd98c40" -- \
		port add v pool p mac $mac uuid "$bad"
done
expect 1 'unknown device "maybe"' -- port add v pool p mac $mac device maybe
expect 2 "$unloaded" -- port add v pool p mac $mac dev no
expect 1 'port set v: nothing to set (see kvmflip port help)' -- port set v
expect 1 'unknown argument "pool"' -- port set v pool p
expect 1 'unknown argument "uuid"' -- port set v uuid c73f1fa6-489e-4834-9476-d70dabd98c40
expect 2 "$unloaded" -- port set v vlan 7
expect 2 "$unloaded" -- port del v
expect 1 'port reclaim: a name is missing' -- port reclaim
expect 2 "$unloaded" -- port reclaim v
expect 2 "$unloaded" -- por r v 2M
expect 1 'size must not be 0' -- port reclaim v 0
expect 1 'size "all" is not a size *' -- port reclaim v all
expect 1 'unexpected argument "now"' -- port reclaim v 2M now

# completion
completes 'kvmflip ' 'pool rxq port check monitor top trace apply save metrics help'
completes 'kvmflip top int' 'interval'
completes 'kvmflip top interval 1 ' 'count'
completes 'kvmflip app -n /etc/host.c' '/etc/host.conf'
completes 'kvmflip apply h' 'help'
completes 'kvmflip -b /etc/host.c' '/etc/host.conf'
completes 'kvmflip -b /etc/host.conf ' 'pool rxq port check monitor top trace apply save metrics help'
completes 'kvmflip tr' 'trace'
completes 'kvmflip trace b' 'buffer'
completes 'kvmflip trace buffer 1 ' 'pool count'
completes 'kvmflip mo r' 'rxq'
completes 'kvmflip che l' 'lo'
completes 'kvmflip po' 'pool port'
completes 'kvmflip -s -j r' 'rxq'
completes 'kvmflip -s' '-statistics'
completes 'kvmflip por ' 'show add set del reclaim help'
completes 'kvmflip pool add ' ''
completes 'kvmflip pool add p ' 'size buffer chunk node'
completes 'kvmflip pool add p size 4M b 4K ' 'chunk node'
completes 'kvmflip pool add p size 4M buffer ' '4K 2M'
completes 'kvmflip port add v mac 52:54:00:00:00:01 m' 'min max'
completes 'kvmflip port add v pool p mac 52:54:00:00:00:01 device ' 'yes no'
completes 'kvmflip port set v ' 'mac vlan min max copybreak latency'
completes 'kvmflip rxq attach l' 'lo'
completes 'kvmflip rxq attach lo ' 'all 0'
completes 'kvmflip rxq attach lo all pool p mode s' 'strict steered'
completes 'kvmflip rxq attach lo all pool p mode steered p' 'port'
completes 'kvmflip port frob ' ''
for shell in bash zsh; do
	typed $shell 'kvmflip poo' 'kvmflip pool '
	typed $shell 'kvmflip port set v lat' 'kvmflip port set v latency '
	typed $shell 'kvmflip rxq attach lo all pool p mode ste' 'kvmflip rxq attach lo all pool p mode steered '
done

echo "1..$tests"
((failures == 0))
