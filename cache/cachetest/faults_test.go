package cachetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// fault is a store that breaks one sentence of the contract, and the case that is named for it. What it does not override is sound.
type fault struct {
	name string
	by   string // the case that must reject it
	open func(sound *memstore.Store) cache.Store
}

// Every faulty store is sound but for the methods that it overrides.
type sound = memstore.Store

// faults are those of values, keys and lifetimes, of the kind that stores in use have had.
func faults() []fault {
	return []fault{
		{"a miss is an error", "a miss is no error", func(s *sound) cache.Store { return missIsError{s} }},
		{"an empty value comes back as nil", "an empty value is present", func(s *sound) cache.Store {
			return onGet{s, func(_ string, v []byte) ([]byte, bool) { return append([]byte(nil), v...), true }}
		}},
		{"an empty value is a miss", "nil is stored as empty", func(s *sound) cache.Store {
			return onGet{s, func(_ string, v []byte) ([]byte, bool) { return v, len(v) > 0 }}
		}},
		{"values are made valid UTF-8", "a value is kept byte for byte", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) {
				return bytes.ToValidUTF8(v, []byte("?")), ttl
			}}
		}},
		{"values are cut at 64 KiB", "a megabyte is kept whole", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) { return v[:min(len(v), 1<<16)], ttl }}
		}},
		{"Set keeps the caller's slice", "Set keeps no reference to the slice", func(s *sound) cache.Store { return &keepsSlice{Store: s} }},
		{"Get hands out one slice to all", "Get returns a slice of the caller's own", func(s *sound) cache.Store { return &sharesSlice{Store: s} }},
		{"keys are folded to lower case", "keys are kept apart byte for byte", func(s *sound) cache.Store { return onKey{s, strings.ToLower} }},
		{"keys end at a NUL", "keys are kept apart byte for byte", func(s *sound) cache.Store {
			return onKey{s, func(k string) string { k, _, _ = strings.Cut(k, "\x00"); return k }}
		}},
		{"keys are paths that are cleaned", "keys are kept apart byte for byte", func(s *sound) cache.Store {
			return onKey{s, func(k string) string { return strings.ReplaceAll(k, "//", "/") }}
		}},
		{"keys are cut at 1 KiB", "long keys have room in deep namespaces", func(s *sound) cache.Store {
			return onKey{s, func(k string) string { return k[:min(len(k), 1024)] }}
		}},
		{"levels of namespace are joined without a mark", "namespaces are isolated", func(s *sound) cache.Store {
			return onKey{s, func(k string) string { return strings.ReplaceAll(k, "@", "") }}
		}},
		{"a lifetime below a millisecond lives for ever", "lifetimes that end do end", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) {
				if ttl > 0 && ttl < time.Millisecond {
					ttl = cache.Forever
				}
				return v, ttl
			}}
		}},
		{"a lifetime is cut to whole seconds", "a lifetime is not cut short", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) { return v, max(1, ttl.Truncate(time.Second)) }}
		}},
		{"a lifetime overflows", "292 years is a lifetime", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) {
				if ttl != cache.Forever && ttl > math.MaxInt64-time.Duration(1<<40) {
					ttl = 1
				}
				return v, ttl
			}}
		}},
		{"lifetimes are forgotten", "an expired entry is absent", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) { return v, cache.Forever }}
		}},
		{"Forever is an hour", "TTL tells what remains", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) {
				if ttl == cache.Forever {
					ttl = time.Hour
				}
				return v, ttl
			}}
		}},
		{"Exists finds expired entries", "an expired entry is absent", func(s *sound) cache.Store { return &existsForever{Store: s} }},
		{"the timer of an old value ends a new one", "an old timer does not end a new value", func(s *sound) cache.Store { return timers{s} }},
		{"overwriting keeps the old lifetime", "overwriting shortens a lifetime too", func(s *sound) cache.Store { return overwriteKeeps{s} }},
		{"KeepTTL starts the lifetime anew", "KeepTTL does not renew a lifetime", func(s *sound) cache.Store { return keepRenews{s} }},
		{"KeepTTL makes an entry permanent", "KeepTTL keeps a lifetime", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) {
				if ttl == cache.KeepTTL {
					ttl = cache.Forever
				}
				return v, ttl
			}}
		}},
		{"KeepTTL stores where nothing is", "a store asked to keep what is not there says so", func(s *sound) cache.Store { return keepStores{s} }},
		{"KeepTTL looks and then sets", "keeping a lifetime does not keep a deleted entry", func(s *sound) cache.Store { return keepLooks{s} }},
		{"Delete of an absent key is an error", "Delete of an absent key is no error", func(s *sound) cache.Store { return deleteFails{s} }},
		{"Delete does nothing", "Delete removes the entry", func(s *sound) cache.Store { return deleteIdles{s} }},
		{"reading an expired entry removes what is there now", "reading an expired entry does not end a fresh one", func(s *sound) cache.Store { return &lateUnlink{Store: s} }},
		{"Clear forgets the prefix", "clearing a namespace leaves its parent and siblings", func(s *sound) cache.Store {
			return onClear{s, func(string) string { return "" }}
		}},
		{"Clear goes beyond the prefix's end", "clearing a namespace leaves its parent and siblings", func(s *sound) cache.Store {
			return onClear{s, func(p string) string { return strings.TrimSuffix(p, ":") }}
		}},
		{"Clear is done before it is done", "Clear removes everything of the store", func(s *sound) cache.Store { return clearsSome{s} }},
		{"the context is swallowed", "a context that is done does nothing", func(s *sound) cache.Store { return deaf{s} }},
		{"a closed store misses", "a closed store says so", func(s *sound) cache.Store { return &missesWhenClosed{Store: s} }},
		{"closing twice is an error", "a closed store says so", func(s *sound) cache.Store { return &closesOnce{Store: s} }},
		{"Close leaves a goroutine", "Close leaves no goroutines", func(s *sound) cache.Store { return leaks{s} }},
		{"what is too large deletes the old value", "a value is kept whole or refused", func(s *sound) cache.Store { return losesOld{s} }},
		{"all values are read into one buffer", "a value that was read stays as it was read", func(s *sound) cache.Store { return &pooled{Store: s} }},
		{"a lifetime below a millisecond lives for ever in SetMany", "every operation that stores keeps to the lifetime", func(s *sound) cache.Store { return setManyBrief{s} }},
		{"Clear takes '_' for any character", "clearing a namespace leaves its parent and siblings", func(s *sound) cache.Store { return clearsLike{s} }},
		{"operations are not safe together", "every operation may run beside every other", func(s *sound) cache.Store { return &busy{Store: s} }},
	}
}

// capabilityFaults are those of what goes beyond the seven methods.
func capabilityFaults() []fault {
	return []fault{
		{"Add looks and then sets", "of many Adds one stores", func(s *sound) cache.Store { return addLooks{s} }},
		{"Add overwrites", "Add stores where nothing is", func(s *sound) cache.Store { return addOverwrites{s} }},
		{"an Add that stores nothing renews", "an Add that stores nothing renews nothing", func(s *sound) cache.Store { return addRenews{s} }},
		{"Add forgets the lifetime", "Add gives the entry its lifetime", func(s *sound) cache.Store { return addForever{s} }},
		{"Increment reads and then sets", "no increment is lost", func(s *sound) cache.Store { return counts{s, sumOf, cache.KeepTTL} }},
		{"Increment counts in floating point", "numbers are exact to 64 bits", func(s *sound) cache.Store { return counts{s, sumOfFloats, cache.KeepTTL} }},
		{"Increment reads what looks like a number", "what is not a number stays as it is", func(s *sound) cache.Store { return counts{s, sumOfLooks, cache.KeepTTL} }},
		{"Increment wraps around", "a sum past int64 changes nothing", func(s *sound) cache.Store { return counts{s, sumThatWraps, cache.KeepTTL} }},
		{"Increment prolongs the lifetime", "Increment sets the lifetime of a new number only", func(s *sound) cache.Store { return counts{s, sumOf, time.Hour} }},
		{"Increment makes numbers that stay for ever", "Increment sets the lifetime of a new number only", func(s *sound) cache.Store { return incrementForever{s} }},
		{"Increment makes a number that was not to be made", "Increment with an expired lifetime makes no number", func(s *sound) cache.Store { return incrementMakes{s} }},
		{"CompareAndSwap compares as C does", "CompareAndSwap leaves what it does not know", func(s *sound) cache.Store {
			return compares{s, func(b []byte) string { text, _, _ := strings.Cut(string(b), "\x00"); return text }}
		}},
		{"CompareAndSwap compares lengths", "CompareAndSwap leaves what it does not know", func(s *sound) cache.Store {
			return compares{s, func(b []byte) string { return strconv.Itoa(len(b)) }}
		}},
		{"CompareAndSwap takes absent for empty", "a nil old equals empty, not absent", func(s *sound) cache.Store { return swapsAbsent{s} }},
		{"CompareAndSwap reads and then sets", "no swap is lost", func(s *sound) cache.Store {
			return compares{s, func(b []byte) string { return string(b) }}
		}},
		{"CompareAndSwap keeps the old lifetime", "CompareAndSwap replaces the lifetime", func(s *sound) cache.Store { return swapKeeps{s} }},
		{"CompareAndDelete reads and then deletes", "of many CompareAndDeletes one deletes", func(s *sound) cache.Store { return deleteLooks{s} }},
		{"GetAndRenew ends a permanent entry", "GetAndRenew leaves a permanent entry permanent", func(s *sound) cache.Store { return renews{s, func(d time.Duration) time.Duration { return d }} }},
		{"GetAndRenew takes the seconds of a day for all", "GetAndRenew sets exactly that lifetime", func(s *sound) cache.Store {
			return renews{s, func(d time.Duration) time.Duration { return d%(24*time.Hour) + 1 }}
		}},
		{"GetAndRenew skips the last half second", "GetAndRenew renews a lifetime", func(s *sound) cache.Store { return renewsEarly{s} }},
		{"GetAndRenew writes back what it read", "renewing does not bring an old value back", func(s *sound) cache.Store { return renewsByWriting{s} }},
		{"GetAndRenew looks and then renews", "renewing does not end a permanent entry", func(s *sound) cache.Store { return renewsLooking{s} }},
		{"GetAndRenew only reads", "GetAndRenew renews a lifetime", func(s *sound) cache.Store { return renewsNothing{s} }},
		{"Touch makes an entry", "Touch of what is absent or expired makes nothing", func(s *sound) cache.Store { return touchMakes{s} }},
		{"Touch only prolongs", "Touch sets the lifetime of any entry", func(s *sound) cache.Store { return touchProlongs{s} }},
		{"Touch writes back what it read", "touching does not bring an old value back", func(s *sound) cache.Store { return touchWrites{s} }},
		{"TTL of a permanent entry is -1", "TTL tells what remains", func(s *sound) cache.Store {
			return ttls{s, func(d time.Duration) time.Duration {
				if d == cache.Forever {
					d = -1
				}
				return d
			}}
		}},
		{"TTL is what was given", "TTL goes down", func(s *sound) cache.Store {
			return ttls{s, func(d time.Duration) time.Duration { return d.Round(time.Minute) }}
		}},
		{"TTL is rounded to seconds", "TTL tells what remains", func(s *sound) cache.Store {
			return ttls{s, func(d time.Duration) time.Duration { return d.Truncate(time.Second) }}
		}},
		{"GetMany leaves empty values out", "GetMany returns what is there", func(s *sound) cache.Store {
			return onGetMany{s, func(m map[string][]byte) {
				for k, v := range m {
					if len(v) == 0 {
						delete(m, k)
					}
				}
			}}
		}},
		{"GetMany mixes values up", "a batch of thousands equals as many single operations", func(s *sound) cache.Store {
			return onGetMany{s, func(m map[string][]byte) {
				if len(m) > 1000 {
					m["key1"], m["key2"] = m["key2"], m["key1"]
				}
			}}
		}},
		{"SetMany forgets the lifetime", "SetMany gives exactly that lifetime", func(s *sound) cache.Store { return setManyForever{s} }},
		{"DeleteMany stops at 1,000", "a batch of thousands equals as many single operations", func(s *sound) cache.Store { return deletesSome{s} }},
		{"GetAppend starts at the beginning of dst", "GetAppend appends the value", func(s *sound) cache.Store { return overwrites{s} }},
		{"GetAppend forgets dst on a miss", "GetAppend leaves dst as it was on a miss", func(s *sound) cache.Store { return forgetsDst{s} }},
		{"Keys takes the prefix for a pattern", "Keys yields what begins with the prefix", func(s *sound) cache.Store { return globs{s} }},
		{"Keys ends at 1,000", "Keys yields all of many", func(s *sound) cache.Store { return keysSome{s} }},
		{"Keys goes on after its context", "Keys ends with its context", func(s *sound) cache.Store { return keysDeaf{s} }},
		{"DeleteExpired removes permanent entries", "DeleteExpired removes what has expired and nothing else", func(s *sound) cache.Store { return sweepsAll{s} }},
		{"Take counts in windows", "what was taken comes back one by one", func(s *sound) cache.Store { return &windows{Store: s, taken: map[string]int64{}} }},
		{"Take takes from the first though the second refuses", "Take takes from all limits or from none", func(s *sound) cache.Store { return takesSome{s} }},
		{"Take reads and then sets", "many who take get no more than there is", func(s *sound) cache.Store { return takesLooking{s} }},
		{"Take leaves its key for ever", "a limit that is whole again leaves nothing behind", func(s *sound) cache.Store { return takesForever{s} }},
		{"Take takes entries over", "Take never takes over another's entry", func(s *sound) cache.Store { return takesOver{s} }},
	}
}

// yield makes it likely that others come between two steps.
func yield() {
	for range 3 {
		runtime.Gosched()
	}
}

type leaks struct{ *sound }

func (f leaks) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	go func() { <-make(chan int) }()
	return f.sound.Set(ctx, key, value, ttl)
}

type losesOld struct{ *sound }

func (f losesOld) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > 1<<20 {
		_ = f.Delete(ctx, key)
		return cache.ErrTooLarge
	}
	return f.sound.Set(ctx, key, value, ttl)
}

type pooled struct {
	*memstore.Store
	mu     sync.Mutex
	buffer []byte
}

func (f *pooled) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.Store.Get(ctx, key)
	if !found {
		return v, found, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buffer = append(f.buffer[:0], v...)
	return f.buffer, true, nil
}

type setManyBrief struct{ *sound }

func (f setManyBrief) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	if ttl < time.Millisecond {
		ttl = cache.Forever
	}
	return f.sound.SetMany(ctx, items, ttl)
}

type clearsLike struct{ *sound }

func (f clearsLike) Clear(ctx context.Context, prefix string) error {
	like := regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(prefix), "_", "."))
	for key, err := range f.Keys(ctx, "") {
		if err != nil {
			return err
		}
		if like.MatchString(key) {
			_ = f.Delete(ctx, key)
		}
	}
	return f.sound.Clear(ctx, prefix)
}

type missIsError struct{ *sound }

func (f missIsError) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.sound.Get(ctx, key)
	if !found && err == nil {
		err = cache.ErrNotFound
	}
	return v, found, err
}

type onGet struct {
	*sound
	change func(key string, value []byte) ([]byte, bool)
}

func (f onGet) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.sound.Get(ctx, key)
	if found {
		v, found = f.change(key, v)
	}
	return v, found, err
}

type onSet struct {
	*sound
	change func(value []byte, ttl time.Duration) ([]byte, time.Duration)
}

func (f onSet) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	value, ttl = f.change(value, ttl)
	return f.sound.Set(ctx, key, value, ttl)
}

type onKey struct {
	*sound
	change func(key string) string
}

func (f onKey) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return f.sound.Get(ctx, f.change(key))
}
func (f onKey) Exists(ctx context.Context, key string) (bool, error) {
	return f.sound.Exists(ctx, f.change(key))
}
func (f onKey) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return f.sound.Set(ctx, f.change(key), value, ttl)
}
func (f onKey) Delete(ctx context.Context, key string) error {
	return f.sound.Delete(ctx, f.change(key))
}

type keepsSlice struct {
	*memstore.Store
	kept sync.Map
}

func (f *keepsSlice) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	f.kept.Store(key, value)
	return f.Store.Set(ctx, key, value, ttl)
}

func (f *keepsSlice) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.Store.Get(ctx, key)
	if kept, ok := f.kept.Load(key); ok && found {
		v = append([]byte{}, kept.([]byte)...)
	}
	return v, found, err
}

type sharesSlice struct {
	*memstore.Store
	shared sync.Map
}

func (f *sharesSlice) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.Store.Get(ctx, key)
	if found {
		shared, _ := f.shared.LoadOrStore(key, v)
		v = shared.([]byte)
	}
	return v, found, err
}

type existsForever struct {
	*memstore.Store
	set sync.Map
}

func (f *existsForever) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	f.set.Store(key, true)
	return f.Store.Set(ctx, key, value, ttl)
}

func (f *existsForever) Exists(ctx context.Context, key string) (bool, error) {
	_, found := f.set.Load(key)
	return found, ctx.Err()
}

type timers struct{ *sound }

func (f timers) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl > 0 && ttl < time.Second {
		time.AfterFunc(ttl, func() { _ = f.sound.Delete(context.Background(), key) })
	}
	return f.sound.Set(ctx, key, value, ttl)
}

type overwriteKeeps struct{ *sound }

func (f overwriteKeeps) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := f.sound.Set(ctx, key, value, cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) {
		return err
	}
	return f.sound.Set(ctx, key, value, ttl)
}

type keepRenews struct{ *sound }

func (f keepRenews) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := f.sound.Set(ctx, key, value, ttl); err != nil || ttl != cache.KeepTTL {
		return err
	}
	return f.sound.Set(ctx, key, value, brief)
}

type keepStores struct{ *sound }

func (f keepStores) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	err := f.sound.Set(ctx, key, value, ttl)
	if errors.Is(err, cache.ErrNotFound) {
		err = f.sound.Set(ctx, key, value, time.Hour)
	}
	return err
}

type keepLooks struct{ *sound }

func (f keepLooks) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl != cache.KeepTTL {
		return f.sound.Set(ctx, key, value, ttl)
	}
	left, found, err := f.TTL(ctx, key)
	if err != nil || !found {
		return errors.Join(err, cache.ErrNotFound)
	}
	yield()
	return f.sound.Set(ctx, key, value, left)
}

type deleteFails struct{ *sound }

func (f deleteFails) Delete(ctx context.Context, key string) error {
	if found, err := f.Exists(ctx, key); err != nil || !found {
		return errors.Join(err, cache.ErrNotFound)
	}
	return f.sound.Delete(ctx, key)
}

type deleteIdles struct{ *sound }

func (f deleteIdles) Delete(ctx context.Context, _ string) error { return ctx.Err() }

// lateUnlink removes an expired entry after it has looked, as a file store does that unlinks by name.
type lateUnlink struct {
	*memstore.Store
	set sync.Map
}

func (f *lateUnlink) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	f.set.Store(key, true)
	return f.Store.Set(ctx, key, value, ttl)
}

func (f *lateUnlink) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.Store.Get(ctx, key)
	if _, was := f.set.Load(key); was && !found && err == nil {
		yield()
		_ = f.Delete(ctx, key)
	}
	return v, found, err
}

type onClear struct {
	*sound
	change func(prefix string) string
}

func (f onClear) Clear(ctx context.Context, prefix string) error {
	return f.sound.Clear(ctx, f.change(prefix))
}

type clearsSome struct{ *sound }

func (f clearsSome) Clear(ctx context.Context, prefix string) error {
	n := 0
	for key, err := range f.Keys(ctx, prefix) {
		if n++; err != nil || n > 1000 {
			return err
		}
		_ = f.Delete(ctx, key)
	}
	return nil
}

type deaf struct{ *sound }

func (f deaf) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return f.sound.Get(context.WithoutCancel(ctx), key)
}

type missesWhenClosed struct{ *memstore.Store }

func (f *missesWhenClosed) Get(ctx context.Context, key string) ([]byte, bool, error) {
	v, found, err := f.Store.Get(ctx, key)
	if errors.Is(err, cache.ErrClosed) {
		err = nil
	}
	return v, found, err
}

type closesOnce struct {
	*memstore.Store
	once sync.Once
}

func (f *closesOnce) Close() error {
	err := cache.ErrClosed
	f.once.Do(func() { err = f.Store.Close() })
	return err
}

// busy refuses who comes while another is in it.
type busy struct {
	*memstore.Store
	mu sync.Mutex
}

func (f *busy) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if !f.mu.TryLock() {
		return nil, false, errors.New("in use")
	}
	defer f.mu.Unlock()
	yield()
	return f.Store.Get(ctx, key)
}

type addLooks struct{ *sound }

func (f addLooks) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if found, err := f.Exists(ctx, key); err != nil || found {
		return false, err
	}
	yield()
	return true, f.Set(ctx, key, value, ttl)
}

type addOverwrites struct{ *sound }

func (f addOverwrites) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	found, _ := f.Exists(ctx, key)
	return !found, f.Set(ctx, key, value, ttl)
}

type addRenews struct{ *sound }

func (f addRenews) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	stored, err := f.sound.Add(ctx, key, value, ttl)
	if !stored && err == nil {
		_, err = f.Touch(ctx, key, ttl)
	}
	return stored, err
}

type addForever struct{ *sound }

func (f addForever) Add(ctx context.Context, key string, value []byte, _ time.Duration) (bool, error) {
	return f.sound.Add(ctx, key, value, cache.Forever)
}

// counts reads, sums and sets, with the lifetime then for a number that is there.
type counts struct {
	*sound
	sum  func(value []byte, delta int64) (int64, error)
	then time.Duration
}

func sumOf(value []byte, delta int64) (int64, error) { return cache.Sum(value, delta) }

func sumOfFloats(value []byte, delta int64) (int64, error) {
	x, err := strconv.ParseFloat(string(value), 64)
	return int64(x + float64(delta)), err
}

func sumOfLooks(value []byte, delta int64) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(string(value)), 10, 64)
	if err != nil {
		return 0, cache.ErrNotInteger
	}
	return n + delta, nil
}

func sumThatWraps(value []byte, delta int64) (int64, error) {
	n, err := cache.Sum(value, 0)
	return n + delta, err
}

func (f counts) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	old, found, err := f.Get(ctx, key)
	if err != nil {
		return 0, err
	}
	if !found {
		return f.sound.Increment(ctx, key, delta, ttl)
	}
	n, err := f.sum(old, delta)
	if err != nil {
		return 0, err
	}
	yield()
	return n, f.Set(ctx, key, strconv.AppendInt(nil, n, 10), f.then)
}

type incrementForever struct{ *sound }

func (f incrementForever) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	if ttl > 0 {
		ttl = cache.Forever
	}
	return f.sound.Increment(ctx, key, delta, ttl)
}

type incrementMakes struct{ *sound }

func (f incrementMakes) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	if ttl == cache.KeepTTL {
		ttl = cache.Forever
	}
	return f.sound.Increment(ctx, key, delta, ttl)
}

// compares reads, compares in its own way and sets.
type compares struct {
	*sound
	as func([]byte) string
}

func (f compares) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	v, found, err := f.Get(ctx, key)
	if err != nil || !found || f.as(v) != f.as(old) {
		return false, err
	}
	yield()
	return true, f.Set(ctx, key, value, ttl)
}

type swapsAbsent struct{ *sound }

func (f swapsAbsent) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if len(old) == 0 && ttl != cache.KeepTTL {
		if stored, err := f.Add(ctx, key, value, ttl); err != nil || stored {
			return stored, err
		}
	}
	return f.sound.CompareAndSwap(ctx, key, old, value, ttl)
}

type swapKeeps struct{ *sound }

func (f swapKeeps) CompareAndSwap(ctx context.Context, key string, old, value []byte, _ time.Duration) (bool, error) {
	return f.sound.CompareAndSwap(ctx, key, old, value, cache.KeepTTL)
}

type deleteLooks struct{ *sound }

func (f deleteLooks) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	v, found, err := f.Get(ctx, key)
	if err != nil || !found || !bytes.Equal(v, old) {
		return false, err
	}
	yield()
	return true, f.Delete(ctx, key)
}

// renews renews every entry, a permanent one too, to what becomes of the lifetime.
type renews struct {
	*sound
	to func(time.Duration) time.Duration
}

func (f renews) GetAndRenew(ctx context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	v, found, err := f.Get(ctx, key)
	if found {
		_, err = f.Touch(ctx, key, f.to(ttl))
	}
	return v, found, err
}

type renewsEarly struct{ *sound }

func (f renewsEarly) GetAndRenew(ctx context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	if left, _, _ := f.TTL(ctx, key); left < 500*time.Millisecond {
		return f.Get(ctx, key)
	}
	return f.sound.GetAndRenew(ctx, key, ttl)
}

type renewsByWriting struct{ *sound }

func (f renewsByWriting) GetAndRenew(ctx context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	v, found, err := f.Get(ctx, key)
	if found {
		yield()
		err = f.Set(ctx, key, v, ttl)
	}
	return v, found, err
}

type renewsLooking struct{ *sound }

func (f renewsLooking) GetAndRenew(ctx context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	v, found, err := f.Get(ctx, key)
	if left, _, _ := f.TTL(ctx, key); found && left != cache.Forever {
		yield()
		_, err = f.Touch(ctx, key, ttl)
	}
	return v, found, err
}

type renewsNothing struct{ *sound }

func (f renewsNothing) GetAndRenew(ctx context.Context, key string, _ time.Duration) ([]byte, bool, error) {
	return f.Get(ctx, key)
}

type touchMakes struct{ *sound }

func (f touchMakes) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	found, err := f.sound.Touch(ctx, key, ttl)
	if !found && err == nil {
		err = f.Set(ctx, key, nil, ttl)
	}
	return found, err
}

type touchProlongs struct{ *sound }

func (f touchProlongs) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if left, found, err := f.TTL(ctx, key); err != nil || left >= ttl {
		return found, err
	}
	return f.sound.Touch(ctx, key, ttl)
}

type touchWrites struct{ *sound }

func (f touchWrites) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	v, found, err := f.Get(ctx, key)
	if err != nil || !found {
		return false, err
	}
	yield()
	return true, f.Set(ctx, key, v, ttl)
}

type ttls struct {
	*sound
	change func(time.Duration) time.Duration
}

func (f ttls) TTL(ctx context.Context, key string) (time.Duration, bool, error) {
	ttl, found, err := f.sound.TTL(ctx, key)
	return f.change(ttl), found, err
}

type onGetMany struct {
	*sound
	change func(map[string][]byte)
}

func (f onGetMany) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	m, err := f.sound.GetMany(ctx, keys)
	f.change(m)
	return m, err
}

type setManyForever struct{ *sound }

func (f setManyForever) SetMany(ctx context.Context, items map[string][]byte, _ time.Duration) error {
	return f.sound.SetMany(ctx, items, cache.Forever)
}

type deletesSome struct{ *sound }

func (f deletesSome) DeleteMany(ctx context.Context, keys []string) error {
	return f.sound.DeleteMany(ctx, keys[:min(len(keys), 1000)])
}

type overwrites struct{ *sound }

func (f overwrites) GetAppend(ctx context.Context, dst []byte, key string) ([]byte, bool, error) {
	v, found, err := f.sound.GetAppend(ctx, dst[:0], key)
	if !found {
		v = dst
	}
	return v, found, err
}

type forgetsDst struct{ *sound }

func (f forgetsDst) GetAppend(ctx context.Context, dst []byte, key string) ([]byte, bool, error) {
	v, found, err := f.sound.GetAppend(ctx, dst, key)
	if !found && len(dst) > 0 {
		copy(dst, "XXXXXX")
	}
	return v, found, err
}

type globs struct{ *sound }

func (f globs) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return f.sound.Keys(ctx, strings.TrimRight(prefix, "*?["))
}

type keysSome struct{ *sound }

func (f keysSome) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		n := 0
		for key, err := range f.sound.Keys(ctx, prefix) {
			if n++; n > 1000 || !yield(key, err) {
				return
			}
		}
	}
}

type keysDeaf struct{ *sound }

func (f keysDeaf) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return f.sound.Keys(context.WithoutCancel(ctx), prefix)
}

type sweepsAll struct{ *sound }

func (f sweepsAll) DeleteExpired(ctx context.Context) (int, error) {
	n, err := f.sound.DeleteExpired(ctx)
	if err == nil {
		err = f.Clear(ctx, "")
	}
	return n, err
}

// windows counts from the first request of a window to its end, and forgets.
type windows struct {
	*memstore.Store
	mu    sync.Mutex
	taken map[string]int64
	ends  time.Time
}

func (f *windows) Take(_ context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().After(f.ends) {
		clear(f.taken)
		f.ends = time.Now().Add(limits[0].Period)
	}
	left := limits[0].Requests - f.taken[key]
	if left < cost {
		return cache.Decision{RetryAfter: 1}, nil
	}
	f.taken[key] += cost
	return cache.Decision{Allowed: true, Remaining: left - cost}, nil
}

type takesSome struct{ *sound }

func (f takesSome) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	for i := range limits {
		d, err := f.sound.Take(ctx, key, limits[i:i+1], cost)
		if d.Limit = i; err != nil || !d.Allowed || i == len(limits)-1 {
			return d, err
		}
	}
	return cache.Decision{}, nil
}

type takesLooking struct{ *sound }

func (f takesLooking) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	state, _, err := f.Get(ctx, key)
	if err != nil {
		return cache.Decision{}, err
	}
	next, ttl, d, err := cache.Meter(state, time.Now().UnixMicro(), limits, cost)
	if err == nil && next != nil {
		yield()
		err = f.Set(ctx, key, next, ttl)
	}
	return d, err
}

type takesForever struct{ *sound }

func (f takesForever) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	d, err := f.sound.Take(ctx, key, limits, cost)
	if err == nil {
		_, err = f.Touch(ctx, key, cache.Forever)
	}
	return d, err
}

type takesOver struct{ *sound }

func (f takesOver) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	d, err := f.sound.Take(ctx, key, limits, cost)
	if err != nil && ctx.Err() == nil {
		_ = f.Delete(ctx, key)
		return f.sound.Take(ctx, key, limits, cost)
	}
	return d, err
}
