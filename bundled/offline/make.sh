#!/bin/sh
# make.sh FOLDER PYTHON_VERSION: what a machine without a network needs to compose songs, see README.md beside this.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
python=$2
rm -rf "$out/wheels" "$out/site" "$out/fluid"
mkdir -p "$out/wheels" "$out/fluid/lib"

python3 "$here/pack_font.py" /usr/share/sounds/sf2/FluidR3_GM.sf2 "$out/font.pack"
gcc -O2 -o "$out/fluid/unpack_font" "$here/unpack_font.c" -lsndfile

program=$(readlink -f "$(command -v fluidsynth)")
cp "$program" "$out/fluid/fluidsynth"
cp -L /lib64/ld-linux-x86-64.so.2 "$out/fluid/"
wanted="libfluidsynth libglib-2 libgmodule-2 libgobject-2 libffi libc.so libm.so libgomp libgcc_s libstdc++ libpthread libpcre2-8"
wanted="$wanted libsndfile libFLAC libvorbis.so libvorbisenc libogg libopus libmpg123 libmp3lame libtinfo"
for name in $wanted; do
    ldd "$program" | awk -v name="$name" '$1 ~ "^"name {print $3}' | while read -r path; do cp -L "$path" "$out/fluid/lib/"; done
done
# Drivers' libraries: empty ones by the names that FluidSynth asks for. What it calls in them stands in a single one, which has
# no versions: where a library of versioned symbols holds one without, the loader stops.
functions=$(nm -D --undefined-only "$out/fluid/lib/"libfluidsynth.so.* "$program" |
    grep -oE '\b(ipatch|SDL|pa|snd|jack|dbus|sd|rl|add_history|read_history|readline|write_history)[_a-zA-Z0-9]*' | sort -u)
for name in $functions; do echo "long $name(void) { return 0; }"; done > "$out/nothing.c"
echo 'int nothing;' > "$out/empty.c"
for name in $(readelf -d "$out/fluid/lib/"libfluidsynth.so.* "$program" | grep NEEDED | grep -oE '\[[^]]+' | tr -d '[' | sort -u); do
    case $name in libinstpatch*) source=nothing.c ;; *) source=empty.c ;; esac
    [ -e "$out/fluid/lib/$name" ] || [ "$name" = ld-linux-x86-64.so.2 ] ||
        gcc -w -fno-builtin -shared -fPIC -Wl,-soname,"$name" -o "$out/fluid/lib/$name" "$out/$source"
done
rm "$out/nothing.c" "$out/empty.c"
cat > "$out/fluid/run.sh" <<'RUN'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/ld-linux-x86-64.so.2" --library-path "$here/lib" "$here/fluidsynth" "$@"
RUN
chmod +x "$out/fluid/run.sh"
tar czf "$out/fluid.tar.gz" -C "$out" fluid
rm -r "$out/fluid"

python3 -m pip download -q --no-deps --only-binary=:all: --python-version "$python" --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 -d "$out/wheels" soxr cffi pycparser soundfile mido importlib_resources
# pretty_midi is not there as a wheel; of its sources the soundfont is not needed.
python3 -m pip download -q --no-deps --no-binary=:all: -d "$out" pretty_midi
mkdir -p "$out/site"
tar xzf "$out"/pretty_midi-*.tar.gz -C "$out/site" --strip-components=1 --wildcards '*/pretty_midi/*.py'
rm "$out"/pretty_midi-*.tar.gz

cat > "$out/install.sh" <<'INSTALL'
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p /tmp/mousai/bin
tar xzf "$here/fluid.tar.gz" -C /tmp/mousai
ln -sf /tmp/mousai/fluid/run.sh /tmp/mousai/bin/fluidsynth
/tmp/mousai/fluid/ld-linux-x86-64.so.2 --library-path /tmp/mousai/fluid/lib /tmp/mousai/fluid/unpack_font "$here/font.pack" /tmp/mousai/font.sf2
python3 -m pip install -q --no-index --no-deps --no-compile --upgrade --target /tmp/mousai/site "$here"/wheels/*.whl
cp -r "$here/site/pretty_midi" /tmp/mousai/site/
INSTALL
cat > "$out/env.sh" <<'ENV'
export PATH=/tmp/mousai/bin:$PATH MOUSAI_SOUNDFONT=/tmp/mousai/font.sf2 PYTHONUNBUFFERED=1
export PYTHONPATH=$PWD:/tmp/mousai/site:$(ls -d "$PWD"/packages/*/src | tr '\n' ':')
ENV
