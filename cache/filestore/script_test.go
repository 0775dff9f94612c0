package filestore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/cache/filestore"
)

// valueOf is a value that says for which key it was written, and how long it is. One of 24 bytes or more has its serial number.
func valueOf(key string, serial uint64, size int) []byte {
	sum := sha256.Sum256([]byte(key))
	b := make([]byte, size, size+8)
	if size < 24 {
		for i := range b {
			b[i] = sum[i] ^ byte(size)
		}
		return b
	}
	b = append(b[:0], sum[:8]...)
	b = binary.LittleEndian.AppendUint64(b, serial)
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	for x := serial + binary.LittleEndian.Uint64(sum[8:]); len(b) < size; x = x*6364136223846793005 + 1442695040888963407 {
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b[:size]
}

func serialOf(value []byte) uint64 {
	if len(value) < 24 {
		return 0
	}
	return binary.LittleEndian.Uint64(value[8:])
}

// isOf tells whether a value was written for the key, and is whole.
func isOf(key string, value []byte) bool {
	return len(value) > 0 && bytes.Equal(value, valueOf(key, serialOf(value), len(value)))
}

// step is an operation of a writer.
type step struct {
	method, key string
	value, old  []byte
	ttl         time.Duration
}

// script is what a writer does. Whoever knows the seed, and what the writer's own keys held at first, knows the steps, their answers and what each leaves.
type script struct {
	random *rand.Rand
	slot   int
	serial uint64
	small  bool
	own    map[string]string
}

func newScript(slot int, seed, serial uint64, small bool, own map[string]string) *script {
	return &script{rand.New(rand.NewPCG(seed, 0)), slot, serial, small, maps.Clone(own)}
}

const (
	slots    = 4 // writers at once
	counters = 3
)

func counterKey(n int) string { return fmt.Sprint("@count:", n) }
func sharedKey(n int) string  { return fmt.Sprint("@shared:", n) }
func hotKey(slot int) string  { return fmt.Sprint("@hot:", slot) } // only set, with greater numbers each time
func prefixOf(slot int) string {
	return fmt.Sprintf("@own%d:", slot)
}

// ownKeys are those that nobody else writes.
func ownKeys(slot int) []string {
	return []string{hotKey(slot), prefixOf(slot) + "0", prefixOf(slot) + "1", prefixOf(slot) + "2", prefixOf(slot) + "number"}
}

func (s *script) next() step {
	s.serial++
	size := 1 + s.random.IntN(1<<s.random.IntN(18))
	if s.small {
		size = 1 + s.random.IntN(100)
	}
	hot := 10
	if s.small {
		hot = 50
	}
	if s.random.IntN(100) < hot {
		return step{method: "Set", key: hotKey(s.slot), value: valueOf(hotKey(s.slot), s.serial, max(24, size)), ttl: time.Hour}
	}
	key := prefixOf(s.slot) + strconv.Itoa(s.random.IntN(3))
	if s.random.IntN(3) == 0 {
		key = sharedKey(s.random.IntN(6))
	}
	st := step{key: key, value: valueOf(key, s.serial, size), old: []byte(s.own[key]), ttl: time.Hour}
	if strings.HasPrefix(key, "@shared:") && s.random.IntN(3) == 0 {
		st.ttl = 2 * time.Millisecond
	}
	switch n := s.random.IntN(100); {
	case n < 30:
		st.method = "Set"
	case n < 40:
		st.method = "Add"
	case n < 50:
		st.method = "CompareAndSwap"
	case n < 58:
		st.method = "Delete"
	case n < 66:
		st.method = "Touch"
	case n < 74:
		st.method = "GetAndRenew"
	case n < 80:
		st.method = "Get"
	case n < 88:
		st.method, st.key, st.ttl = "Increment", prefixOf(s.slot)+"number", time.Hour
	case n < 98:
		st.method, st.key, st.ttl = "Increment", counterKey(s.random.IntN(counters)), time.Hour
	default:
		st.method, st.key = "Clear", key[:strings.IndexByte(key, ':')+1]
	}
	return st
}

// do makes the step, and returns its answer.
func (st *step) do(ctx context.Context, s *filestore.Store) (answer string, err error) {
	yes, found := false, false
	var value []byte
	switch st.method {
	case "Set":
		return "", s.Set(ctx, st.key, st.value, st.ttl)
	case "Delete":
		return "", s.Delete(ctx, st.key)
	case "Clear":
		return "", s.Clear(ctx, st.key)
	case "Add":
		yes, err = s.Add(ctx, st.key, st.value, st.ttl)
	case "CompareAndSwap":
		yes, err = s.CompareAndSwap(ctx, st.key, st.old, st.value, st.ttl)
	case "Touch":
		yes, err = s.Touch(ctx, st.key, st.ttl)
	case "Increment":
		n, err := s.Increment(ctx, st.key, 1, st.ttl)
		return strconv.FormatInt(n, 10), err
	case "Get", "GetAndRenew":
		if value, found, err = s.Get(ctx, st.key); st.method != "Get" {
			value, found, err = s.GetAndRenew(ctx, st.key, st.ttl)
		}
		if found && !isOf(st.key, value) {
			return "", fmt.Errorf("%s of %q gave %d bytes that were never stored there", st.method, st.key, len(value))
		}
		return string(value), err
	}
	return strconv.FormatBool(yes), err
}

// apply makes the step in the model of the writer's own keys, and returns the answer that it must have.
func (s *script) apply(st step) (answer string) {
	have, found := s.own[st.key]
	stores := st.method == "Set" || st.method == "Add" && !found || st.method == "CompareAndSwap" && found && have == string(st.old)
	if stores {
		s.own[st.key] = string(st.value)
	}
	switch st.method {
	case "Delete":
		delete(s.own, st.key)
	case "Clear":
		maps.DeleteFunc(s.own, func(key, _ string) bool { return strings.HasPrefix(key, st.key) })
	case "Add", "CompareAndSwap":
		return strconv.FormatBool(stores)
	case "Touch":
		return strconv.FormatBool(found)
	case "Get", "GetAndRenew":
		return have
	case "Increment":
		n, _ := strconv.Atoi(have)
		s.own[st.key] = strconv.Itoa(n + 1)
		return s.own[st.key]
	}
	return ""
}

// foreign tells whether others write there too.
func (st *step) foreign() bool {
	return strings.HasPrefix(st.key, "@shared:") || strings.HasPrefix(st.key, "@count:")
}

// digest tells what own keys hold, in few bytes.
func digest(own map[string]string) uint64 {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(own)) {
		fmt.Fprintf(h, "%q %d %s", key, len(own[key]), own[key])
	}
	return binary.LittleEndian.Uint64(h.Sum(nil))
}
