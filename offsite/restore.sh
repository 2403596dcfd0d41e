#!/bin/sh
# Restores what Understudy carried offsite: the folder this script lies in, a dump of a database or the objects of a bucket. Needs sh,
# openssl, gzip, sha256sum; for a database psql or mariadb. Nothing is written to a database before every stored byte has been found
# unchanged. RESTORE.md has the steps around it.
#
# A dump:
#   sh restore.sh verify  KEYFILE                     looks whether the dump is whole and unchanged
#   sh restore.sh restore KEYFILE [CLIENT ARGUMENTS]  verifies, then restores into the empty database the client reaches with them
#   sh restore.sh check   KEYFILE [CLIENT ARGUMENTS]  compares a restored database with the dump, rows and hashes
# A bucket:
#   sh restore.sh lists   KEYFILE                     the finished lists that are here: the objects as they were, each time
#   sh restore.sh pieces  KEYFILE LIST                the files a list needs, to fetch these alone
#   sh restore.sh verify  KEYFILE LIST                looks whether all of them are here and unchanged
#   sh restore.sh restore KEYFILE LIST FOLDER         brings the objects back into an empty folder
#
# Ends with 0 when all went well; 1 names what is wrong.
set -u
umask 077
export LC_ALL=C

TAB=$(printf '\t')
here=$(cd "$(dirname "$0")" && pwd) || exit 1
verb=${1-}
keyfile=${2-}

say() { printf '%s\n' "$*"; }
die() {
  printf 'restore.sh: %s\n' "$*" >&2
  exit 1
}

of=dump
[ -r "$here/bucket.txt" ] && of=bucket
case $of-$verb in
dump-verify | dump-restore | dump-check | bucket-lists | bucket-pieces | bucket-verify | bucket-restore) ;;
dump-*) die "say what to do: verify, restore or check (see the first lines of this script)" ;;
*) die "say what to do: lists, pieces, verify or restore (see the first lines of this script)" ;;
esac
[ -n "$keyfile" ] || die "name the file that holds the master key (64 hexadecimal digits)"
[ -r "$keyfile" ] || die "the key file $keyfile cannot be read"
shift 2
for tool in openssl gzip sha256sum od sed head tail tr wc mktemp; do
  command -v "$tool" >/dev/null || die "the program $tool is missing on this machine"
done

master=$(tr -d ' \t\r\n' <"$keyfile")
[ ${#master} -eq 64 ] || die "the key in $keyfile has ${#master} digits, expected 64"
case $master in *[!0-9a-fA-F]*) die "the key in $keyfile is not hexadecimal" ;; esac

form='' dump='' engine=''
[ -r "$here/$of.txt" ] || die "there is no dump.txt or bucket.txt beside this script: fetch the whole folder"
while read -r name value; do
  case $name in form) form=$value ;; dump | folder) dump=$value ;; engine) engine=$value ;; esac
done <"$here/$of.txt"
[ "$form" = 1 ] || die "this script reads form 1, the $of is of form $form"

# --- opening what is sealed -------------------------------------------------------------------------------------------------------

hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" | sed 's/^.*[= ]//'; }
hex() { od -An -v -tx1 | tr -d ' \n'; }

encrypt_key=$(printf 'understudy-offsite-1/encrypt/%s' "$dump" | hmac "$master")
authenticate_key=$(printf 'understudy-offsite-1/authenticate/%s' "$dump" | hmac "$master")
[ ${#encrypt_key} -eq 64 ] && [ ${#authenticate_key} -eq 64 ] || die "openssl gave no key: it has to know 'dgst -mac HMAC'"

body_bytes() { echo $(($(wc -c <"$here/$1") - 32)); }

# Whether an object is what was stored under its name.
authentic() {
  [ -r "$here/$1" ] || return 1
  n=$(body_bytes "$1")
  [ "$n" -ge 16 ] || return 1
  tag=$(tail -c 32 "$here/$1" | hex)
  [ "$tag" = "$({ printf '%s\n' "$1" && head -c "$n" "$here/$1"; } | hmac "$authenticate_key")" ]
}

# The content of an object.
opened() {
  counter=$(head -c 16 "$here/$1" | hex)
  head -c "$(body_bytes "$1")" "$here/$1" | tail -c +17 | openssl enc -d -aes-256-ctr -K "$encrypt_key" -iv "$counter" | gzip -dc
}

work=$(mktemp -d) || die "no temporary folder can be made"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

field() { while IFS=$TAB read -r kind value rest; do [ "$kind" = "$1" ] && printf '%s' "$value"; done <"$work/index"; }

# --- the objects of a bucket ------------------------------------------------------------------------------------------------------

if [ "$of" = bucket ]; then
  name_key=$(printf 'understudy-offsite-1/name/%s' "$dump" | hmac "$master")
  list=${1-}
  if [ "$verb" = lists ]; then
    for folder in "$here"/lists/*/; do
      found=lists/$(basename "$folder")/manifest
      authentic "$found" && opened "$found" >"$work/index" &&
        say "$(field list)  $(field objects) objects of $(field bucket), as of $(field begun); $(field missing) could not be carried"
    done
    exit 0
  fi
  case $list in '' | */*) die "name a list (sh restore.sh lists KEYFILE shows them)" ;; esac
  [ -e "$here/lists/$list/manifest" ] || die "there is no finished list $list here"
  authentic "lists/$list/manifest" || die "the manifest of $list is not what was stored, or $keyfile is not the key it was sealed with"
  opened "lists/$list/manifest" >"$work/index" || die "the manifest of $list cannot be opened"
  segments=$(field segments)
  missing=$(field missing)

  number=0
  : >"$work/list"
  while [ "$number" -lt "$segments" ]; do
    number=$((number + 1))
    segment=lists/$list/segment-$(printf '%06d' "$number")
    authentic "$segment" || die "$segment is missing or is not what was stored: fetch the folder of the list again"
    opened "$segment" | tail -n +2 >>"$work/list" || die "$segment cannot be opened"
  done
  while IFS=$TAB read -r kind bytes pieces rest; do
    [ "$kind" = object ] && [ "$pieces" != - ] && printf '%s\n' "$pieces" | tr , '\n'
  done <"$work/list" | sort -u | sed 's:^\(..\):pieces/\1/\1:' >"$work/pieces"
  if [ "$verb" = pieces ]; then
    cat "$work/pieces"
    exit 0
  fi

  bad=0
  while read -r piece; do
    [ -r "$here/$piece" ] || { say "MISSING: $piece" && bad=$((bad + 1)) && continue; }
    authentic "$piece" || { say "CHANGED: $piece" && bad=$((bad + 1)); }
  done <"$work/pieces"
  [ "$bad" -eq 0 ] || die "$bad pieces are missing or changed: nothing was restored. Fetch them again, or take an older list"
  say "Whole and unchanged: $(field objects) objects in $(($(wc -l <"$work/pieces"))) pieces."
  [ "$verb" = verify ] && exit 0

  target=${2-}
  [ -n "$target" ] || die "name an empty folder to restore into"
  mkdir -p "$target" || die "the folder $target cannot be made"
  [ -z "$(ls -A "$target")" ] || die "the folder $target is not empty: nothing was restored"
  # Where a key is the beginning of another, a file stands where a folder is wanted: it gets a % at its end.
  room() {
    case $1 in */*) ;; *) return 0 ;; esac
    room "${1%/*}"
    [ -f "$target/${1%/*}" ] && mv "$target/${1%/*}" "$target/${1%/*}%"
    [ -d "$target/${1%/*}" ] || mkdir "$target/${1%/*}"
  }
  restored=0
  while IFS=$TAB read -r kind bytes pieces file key etag modified headers; do
    [ "$kind" = object ] || continue
    path=$(printf '%b.' "$file") && path=${path%.}
    case /$path/ in *"/../"* | //*) die "the list names a path outside the folder: $path" ;; esac
    room "$path" || die "there is no room for $path"
    [ -d "$target/$path" ] && path=$path%
    : >"$target/$path" || die "$path cannot be written"
    [ "$pieces" = - ] || for piece in $(printf '%s' "$pieces" | tr , ' '); do
      hash=$(opened "pieces/$(printf '%.2s' "$piece")/$piece" | tee -a "$target/$path" | hmac "$name_key")
      [ "$hash" = "$piece" ] || die "the piece $piece of $path is not what its name says"
    done
    [ "$(($(wc -c <"$target/$path")))" -eq "$bytes" ] || die "$path has another size than the object had: is the disk full?"
    restored=$((restored + 1))
  done <"$work/list"
  [ "$restored" = "$(field objects)" ] || die "$restored objects were restored, the list has $(field objects)"
  cp "$work/list" "$target/../$(basename "$target").list.tsv" || die "the list could not be written beside $target"
  while IFS=$TAB read -r kind why key; do
    [ "$kind" = missing ] && say "NOT IN THIS LIST: $(printf '%b' "$key") ($(printf '%b' "$why"))"
  done <"$work/list"
  say "Equal: $restored objects are in $target, each piece with the HMAC it was stored under. Their keys and headers: $(basename "$target").list.tsv beside it."
  exit 0
fi

# --- is the dump whole and unchanged? ---------------------------------------------------------------------------------------------

[ -e "$here/manifest" ] || die "there is no manifest: this dump was never finished, take an older one"
authentic manifest || die "the manifest is not what was stored, or $keyfile is not the key it was sealed with"
authentic index || die "the index is not what was stored"
opened index >"$work/index" || die "the index cannot be opened"
[ "$(field dump)" = "$dump" ] || die "the index belongs to the dump $(field dump), not to $dump"
engine=$(field engine)
database=$(field database)

say "Dump $dump: $engine $(field version), database $database as of $(field moment)."
while IFS=$TAB read -r kind what; do
  [ "$kind" = missing ] && say "NOT IN THIS DUMP: $what"
done <"$work/index"

whole() {
  name=$1 bytes=$2 hash=$3
  [ -r "$here/$name" ] || { say "MISSING: $name" && return 1; }
  [ "$(($(wc -c <"$here/$name")))" -eq "$bytes" ] || { say "CHANGED: $name has another size" && return 1; }
  [ "$(sha256sum <"$here/$name" | cut -c1-64)" = "$hash" ] || { say "CHANGED: $name has another SHA-256" && return 1; }
  authentic "$name" || { say "CHANGED: $name has another HMAC" && return 1; }
}

bad=0
parts=0
while IFS=$TAB read -r kind a b c d e rest; do
  case $kind in
  piece) whole "$a" "$b" "$c" || bad=$((bad + 1)) ;;
  part)
    parts=$((parts + 1))
    whole "$a" "$d" "$e" || bad=$((bad + 1))
    ;;
  esac
done <"$work/index"
[ "$bad" -eq 0 ] || die "$bad objects are missing or changed: nothing was restored. Fetch the folder again, or take an older dump"
say "Whole and unchanged: $parts parts."
[ "$verb" = verify ] && exit 0

# --- the database -----------------------------------------------------------------------------------------------------------------

case $engine in
postgres)
  command -v psql >/dev/null || die "the program psql is missing on this machine"
  export PGOPTIONS="${PGOPTIONS-} -c client_encoding=UTF8 -c datestyle=ISO,YMD -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1 -c bytea_output=hex -c xmlbinary=base64 -c standard_conforming_strings=on"
  ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
  script() { psql -X -q -A -t -v ON_ERROR_STOP=1 -o /dev/null -f - "$@"; }
  there="select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"
  # What it says is "COPY 123".
  load() {
    sql=$1
    shift
    psql -X -A -t -v ON_ERROR_STOP=1 -c "$sql" "$@" | sed -n 's/^COPY //p'
  }
  ;;
mariadb)
  client=mariadb
  command -v mariadb >/dev/null || client=mysql
  command -v $client >/dev/null || die "the program mariadb is missing on this machine"
  settings="set names utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', foreign_key_checks = 0, unique_checks = 0"
  ask() { $client --batch --raw --skip-column-names "$@"; }
  script() { $client --batch --binary-mode "$@"; }
  there="select (select count(*) from information_schema.tables where table_schema = database()) + (select count(*) from information_schema.routines where routine_schema = database())"
  # A row that was refused or bent shows as a warning, not as an error.
  load() {
    sql=$1
    shift
    $client --batch --raw --skip-column-names --local-infile=1 "$@" -e "$settings; $sql; select if(@@warning_count = 0, row_count(), concat('warnings ', @@warning_count)); show warnings limit 3"
  }
  ;;
*) die "this script knows postgres and mariadb, the dump is of $engine" ;;
esac

query() {
  sql=$1
  shift
  case $engine in
  postgres) ask "$@" -c "$sql" ;;
  mariadb) ask "$@" -e "set time_zone = '+00:00', sql_mode = ''; $sql" ;;
  esac
}

if [ "$verb" = restore ]; then
  found=$(query "$there" "$@") || die "the database cannot be asked: look at the client's arguments"
  [ "$found" = 0 ] || die "the database is not empty ($found tables and the like): nothing was restored. Name an empty one"

  say "Making the tables."
  opened schema-pre | script "$@" || die "the tables could not be made: empty the database before the next try"
  while IFS=$TAB read -r kind a b c d e f g; do
    case $kind in
    table) printf '%s\n' "$d" >"$work/load-$a" ;;
    part)
      loaded=$(opened "$a" | load "$(cat "$work/load-$b")" "$@")
      [ "$loaded" = "$c" ] || die "$a: $c rows were to be loaded, and the database says: $loaded. Empty the database before the next try"
      say "Loaded $a: $c rows."
      ;;
    esac
  done <"$work/index"
  say "Building indexes and constraints."
  opened schema-post | script "$@" || die "the rows are in, the indexes and constraints are not all built: see the message above"
fi

# --- is what was restored what was dumped? ----------------------------------------------------------------------------------------

bad=0
hashed=0
while IFS=$TAB read -r kind a b c d e f g; do
  case $kind in
  table)
    counted=$(query "select count(*) from $c" "$@" </dev/null)
    [ "$counted" = "$b" ] || { say "DIFFERENT: $c has $counted rows, the dump $b" && bad=$((bad + 1)); }
    ;;
  part)
    [ "$g" = - ] && continue
    hashed=$((hashed + 1))
    [ "$(query "$g" "$@" </dev/null | sha256sum | cut -c1-64)" = "$f" ] || { say "DIFFERENT: the rows of $a" && bad=$((bad + 1)); }
    ;;
  esac
done <"$work/index"
[ "$bad" -eq 0 ] || die "$bad differences between the database and the dump"
say "Equal: all tables have the dump's rows, and $hashed of $parts parts the same SHA-256 when read again."
