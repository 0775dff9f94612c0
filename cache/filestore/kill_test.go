package filestore_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

func TestKilledWritersLeaveWhatTheyAcknowledgedAndNothingWrong(t *testing.T) {
	for _, tc := range []struct {
		name  string
		small bool // and another process reads all the time, so that it has the files mapped
		kills int64
	}{
		{"of values of all sizes", false, 9000},
		{"of small values that are mapped elsewhere", true, 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if raceEnabled || os.Getenv("APP_TEST_IN_COPY") != "" { // whose races, or whose names, are what is tested
				tc.kills = 150
			}
			dir := filestore.QuickDir(t)
			p := &pool{dir: dir, small: tc.small, store: open(t, dir, &filestore.Options{Timeout: 10 * time.Second}), turn: make(chan struct{}, 1)}
			p.left.Store(tc.kills)
			p.run(t)
			t.Logf("of %d kills %d hit a change of files between its begin and its end, %d left a temporary file",
				p.killed.Load(), p.cut.Load(), len(temporaries(t, dir)))
			if p.cut.Load() == 0 {
				t.Error("no writer was killed while it changed files: nothing was learnt")
			}
			p.settle(t)
		})
	}
}

// pool is writers on one directory, each of which is killed and followed by another.
type pool struct {
	dir   string
	small bool
	store *filestore.Store // survives
	turn  chan struct{}    // holds a token when the reader may go on

	left   atomic.Int64 // kills to come
	killed atomic.Int64
	cut    atomic.Int64 // of those that were killed, those that changed files then

	hot          [slots]atomic.Uint64    // the serial number of what is known to be stored
	counted      [counters]atomic.Uint64 // the greatest sum that was acknowledged
	acknowledged [counters]atomic.Uint64 // how many sums were
	uncertain    [counters]atomic.Uint64 // how many kills may have come between an Increment and its acknowledgement
}

func (p *pool) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	readers.Go(func() {
		for ctx.Err() == nil && !t.Failed() {
			if !p.small { // else all the time
				select {
				case <-p.turn:
				case <-ctx.Done():
					return
				}
			}
			if err := p.check(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	for slot := range slots {
		writers.Go(func() {
			own := map[string]string{}
			for serial := uint64(0); p.another() && !t.Failed(); serial += 1 << 20 {
				var err error
				if own, err = p.kill(slot, serial, own); err != nil {
					t.Errorf("writer %d: %v", slot, err)
				}
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
}

// another tells whether one more is to be killed. About one in thirty kills hits a change of files, so a hundred may all
// miss by chance: more follow then, as many as cannot.
func (p *pool) another() bool {
	left := p.left.Add(-1)
	return left >= 0 || left >= -9000 && p.cut.Load() == 0
}

// kill runs a writer, kills it, and returns what its keys hold then, which must be as it said.
func (p *pool) kill(slot int, serial uint64, own map[string]string) (map[string]string, error) {
	seed := rand.Uint64()
	size := "all"
	if p.small {
		size = "small"
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	w := programOf("write", p.dir, strconv.Itoa(slot), strconv.FormatUint(seed, 10), strconv.FormatUint(serial, 10), size)
	w.Env = append(w.Env, "GOGC=off") // it is soon over
	w.Stdout = in
	err = w.Start()
	in.Close()
	if err != nil {
		return nil, err
	}
	sc := newScript(slot, seed, serial, p.small, own)
	wrong := p.follow(out, sc, w.Process.Kill)
	_ = w.Process.Kill()
	_ = w.Wait()
	if state := w.ProcessState.String(); state != "signal: killed" {
		return nil, errors.Join(wrong, fmt.Errorf("it ended by itself: %s", state))
	}
	if wrong != nil {
		return nil, wrong
	}
	return p.judge(slot, sc)
}

// follow takes the steps of the script that the writer acknowledges, until it is dead.
func (p *pool) follow(out *os.File, sc *script, kill func() error) error {
	_ = out.SetReadDeadline(time.Now().Add(30 * time.Second))
	b := make([]byte, recordLen)
	if _, err := io.ReadFull(out, b); err != nil {
		return fmt.Errorf("it has not begun: %w", err)
	}
	if binary.LittleEndian.Uint64(b) != digest(sc.own) {
		return errors.New("it has not found under its keys what another process has")
	}
	delay := rand.N(1500 * time.Microsecond)
	if rand.N(16) == 0 {
		delay *= 8
	}
	_ = out.SetReadDeadline(time.Now().Add(delay))
	for {
		_, err := io.ReadFull(out, b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if err := kill(); err != nil {
				return err
			}
			_ = out.SetReadDeadline(time.Now().Add(30 * time.Second))
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		p.acknowledge(sc, binary.LittleEndian.Uint64(b))
	}
}

func (p *pool) acknowledge(sc *script, sum uint64) {
	st := sc.next()
	if !st.foreign() {
		sc.apply(st)
	}
	if st.key == hotKey(sc.slot) {
		p.hot[sc.slot].Store(serialOf(st.value))
	}
	if number, ok := strings.CutPrefix(st.key, "@count:"); ok && st.method == "Increment" {
		n, _ := strconv.Atoi(number)
		p.acknowledged[n].Add(1)
		for was := p.counted[n].Load(); was < sum && !p.counted[n].CompareAndSwap(was, sum); was = p.counted[n].Load() {
		}
	}
}

// judge compares what the keys of a dead writer hold with its script: the step that it did not acknowledge was made, or not.
func (p *pool) judge(slot int, sc *script) (map[string]string, error) {
	got, err := readOwn(context.Background(), p.store, slot)
	if err != nil {
		return nil, err
	}
	after := newScript(slot, 0, 0, p.small, sc.own)
	cut := sc.next()
	if !cut.foreign() {
		after.apply(cut)
	}
	for _, key := range ownKeys(slot) {
		value, found := got[key]
		was, there := sc.own[key]
		is, then := after.own[key]
		if (found != there || value != was) && (found != then || value != is) {
			return nil, fmt.Errorf("%q: %d bytes, %t, after %s of %q was cut short; want %d bytes, %t, or %d bytes, %t",
				key, len(value), found, cut.method, cut.key, len(was), there, len(is), then)
		}
	}
	if number, ok := strings.CutPrefix(cut.key, "@count:"); ok && cut.method == "Increment" {
		n, _ := strconv.Atoi(number)
		p.uncertain[n].Add(1)
	}
	p.hot[slot].Store(serialOf([]byte(got[hotKey(slot)])))
	p.killed.Add(1)
	if generationIsWriting(p.dir, cut.key) {
		p.cut.Add(1)
	}
	select {
	case p.turn <- struct{}{}:
	default:
	}
	return got, nil
}

// check reads what all write: a miss or a whole value of that key, and nothing older than what was acknowledged before.
func (p *pool) check(ctx context.Context) error {
	for n := range 6 {
		value, found, err := p.store.Get(ctx, sharedKey(n))
		if err != nil || found && !isOf(sharedKey(n), value) {
			return fmt.Errorf("%q: %d bytes that were never stored there, %w", sharedKey(n), len(value), err)
		}
	}
	for range 3 { // the third time it is mapped
		for slot := range slots {
			known := p.hot[slot].Load()
			value, found, err := p.store.Get(ctx, hotKey(slot))
			if err != nil || found && !isOf(hotKey(slot), value) || serialOf(value) < known {
				return fmt.Errorf("%q: number %d, %t, %v; want one of its own, %d or later", hotKey(slot), serialOf(value), found, err, known)
			}
		}
		for n := range counters {
			known := p.counted[n].Load()
			value, _, err := p.store.Get(ctx, counterKey(n))
			if sum, _ := strconv.ParseUint(string(value), 10, 64); err != nil || sum < known {
				return fmt.Errorf("%q is %q, %v; want %d or more", counterKey(n), value, err, known)
			}
		}
	}
	return nil
}

// settle checks what is left when all writers are dead.
func (p *pool) settle(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	s := open(t, p.dir, &filestore.Options{Timeout: 10 * time.Second})
	if err := p.check(ctx); err != nil {
		t.Error(err)
	}
	for n := range counters {
		value, _, _ := s.Get(ctx, counterKey(n))
		least := p.acknowledged[n].Load()
		if sum, _ := strconv.ParseUint(string(value), 10, 64); sum < least || sum > least+p.uncertain[n].Load() {
			t.Errorf("%q is %d after %d Increments, and %d that may not have been made", counterKey(n), sum, least, p.uncertain[n].Load())
		}
	}
	for _, path := range glob(t, p.dir, strings.Repeat("[0-9a-f]", 64)) {
		if err := decodes(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.DeleteExpired(ctx); err != nil {
		t.Error(err)
	}
	if left := temporaries(t, p.dir); len(left) != 0 {
		t.Errorf("DeleteExpired left %q", left)
	}
	// Keys enough for every shard, and those that the writers used.
	keys := []string{}
	for slot := range slots {
		keys = append(keys, ownKeys(slot)...)
	}
	shards := map[string]bool{}
	for n := 0; len(shards) < 64; n++ {
		keys = append(keys, fmt.Sprint("key", n), sharedKey(n))
		shards[filepath.Dir(fileOf(p.dir, keys[len(keys)-2]))] = true
	}
	for _, key := range keys {
		if err := s.Set(ctx, key, valueOf(key, 1, 30), cache.Forever); err != nil {
			t.Errorf("Set of %q: %v", key, err)
		}
		if value, _, err := p.store.Get(ctx, key); !isOf(key, value) || err != nil {
			t.Errorf("Get of %q = %q, %v; want what another store has just set", key, value, err)
		}
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "larder.v1", "??", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func temporaries(t *testing.T, dir string) []string {
	t.Helper()
	return glob(t, dir, "*.tmp")
}

// decodes tells what is wrong with the file of an entry, by FORMAT.md.
func decodes(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(b) < 40 || string(b[:10]) != "\x89LARDER\n\x01\x00" {
		return fmt.Errorf("%s has no header: %.40q", path, b)
	}
	keyEnd := 40 + int(binary.LittleEndian.Uint16(b[10:]))
	if len(b) != keyEnd+int(binary.LittleEndian.Uint32(b[12:])) {
		return fmt.Errorf("%s has %d bytes, which is not what its header says", path, len(b))
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	head := crc32.Update(crc32.Checksum(b[:36], table), table, b[40:keyEnd])
	if head != binary.LittleEndian.Uint32(b[36:]) || crc32.Checksum(b[keyEnd:], table) != binary.LittleEndian.Uint32(b[32:]) {
		return fmt.Errorf("%s has a wrong sum", path)
	}
	if fileOf("", string(b[40:keyEnd])) != strings.TrimPrefix(path, path[:strings.Index(path, "/larder.v1/")+1]) {
		return fmt.Errorf("%s is the entry of %q, which belongs elsewhere", path, b[40:keyEnd])
	}
	return nil
}

// generationIsWriting tells whether the number of the entries that share it with key is 1.
func generationIsWriting(dir, key string) bool {
	f, err := os.Open(filepath.Join(dir, "larder.v1", "generations"))
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.Sum256([]byte(key))
	b := make([]byte, 8)
	_, err = f.ReadAt(b, 8*(256*int64(sum[0]&0x3f)+int64(sum[1])))
	return err == nil && binary.NativeEndian.Uint64(b) == 1
}
