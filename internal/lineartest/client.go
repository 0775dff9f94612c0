package lineartest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache"
)

// lifetime is one that does not end while a history is recorded.
const lifetime = time.Hour

// client is one goroutine that uses a cache.
type client struct {
	*recorder
	process, id int
	cache       *cache.Cache
	random      *rand.Rand
	operations  []keyed
}

// keyed is an operation and its key.
type keyed struct {
	key string
	operation
}

// use makes operations one after the other. It stops at the first error that no operation may have.
func (c *client) use(ctx context.Context, operations int) error {
	for range operations {
		// Between the operations, never within one: what takes longer proves less.
		if c.random.IntN(2) == 0 {
			runtime.Gosched()
		}
		made, err := c.operate(ctx)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			continue
		case err != nil && !c.mayFail(err):
			return err
		}
		for i := range made {
			made[i].process, made[i].client, made[i].failed = c.process, c.id, err != nil
		}
		c.operations = append(c.operations, made...)
		c.progress(made)
	}
	return nil
}

// operate makes one operation at random, and returns one for every key that it concerns.
func (c *client) operate(ctx context.Context) ([]keyed, error) {
	key := c.keys[c.random.IntN(len(c.keys))]
	n := c.random.IntN(100)
	switch {
	case c.spent() || n < 20:
		return c.one(key, operation{method: "Get", kind: get}, func(o *operation) error { return o.got(c.cache.Get(ctx, key)) })
	case n < 24:
		return c.one(key, operation{method: "GetAppend", kind: get}, func(o *operation) error {
			before := []byte("before")
			value, found, err := c.cache.GetAppend(ctx, before, key)
			return o.got(value[len(before):], found, err)
		})
	case n < 28:
		return c.one(key, operation{method: "GetAndRenew", kind: get}, func(o *operation) error {
			return o.got(c.cache.GetAndRenew(ctx, key, lifetime))
		})
	case n < 32:
		return c.one(key, operation{method: "Exists", kind: exists}, func(o *operation) error { return o.is(c.cache.Exists(ctx, key)) })
	case n < 35:
		return c.one(key, operation{method: "Touch", kind: exists}, func(o *operation) error { return o.is(c.cache.Touch(ctx, key, lifetime)) })
	case n < 37:
		return c.one(key, operation{method: "TTL", kind: exists}, func(o *operation) error {
			_, found, err := c.cache.TTL(ctx, key)
			return o.is(found, err)
		})
	case n < 49:
		return c.one(key, operation{method: "Set", kind: set, value: c.newValue()}, func(o *operation) error {
			return c.cache.Set(ctx, key, []byte(o.value), lifetime)
		})
	case n < 52:
		return c.one(key, operation{method: "Set, KeepTTL", kind: setKeep, value: c.newValue()}, func(o *operation) error {
			return c.cache.Set(ctx, key, []byte(o.value), cache.KeepTTL)
		})
	case n < 60:
		return c.one(key, operation{method: "Add", kind: add, value: c.newValue()}, func(o *operation) error {
			return o.is(c.cache.Add(ctx, key, []byte(o.value), lifetime))
		})
	case n < 71:
		return c.one(key, operation{method: "Increment", kind: increment, delta: c.serial.Add(1)}, func(o *operation) error {
			return o.counted(c.cache.Increment(ctx, key, o.delta, lifetime))
		})
	case n < 80:
		return c.one(key, operation{method: "CompareAndSwap", kind: swap, old: c.likely(key), value: c.newValue()}, func(o *operation) error {
			return o.is(c.cache.CompareAndSwap(ctx, key, []byte(o.old), []byte(o.value), lifetime))
		})
	case n < 84:
		return c.one(key, operation{method: "CompareAndDelete", kind: removeOld, old: c.likely(key)}, func(o *operation) error {
			return o.is(c.cache.CompareAndDelete(ctx, key, []byte(o.old)))
		})
	case n < 90:
		return c.one(key, operation{method: "Delete", kind: remove}, func(*operation) error { return c.cache.Delete(ctx, key) })
	}
	return c.batch(ctx, n)
}

// batch makes one of the operations that concern several keys.
func (c *client) batch(ctx context.Context, n int) ([]keyed, error) {
	some := slices.Clone(c.keys)
	c.random.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	some = some[:1+c.random.IntN(len(some))]
	switch {
	case n < 94:
		return c.timed(some, func(string) operation { return operation{method: "GetMany", kind: get} }, func(made []keyed) error {
			items, err := c.cache.GetMany(ctx, some)
			for i := range made {
				value, found := items[made[i].key]
				made[i].answer = answer{found: found, value: string(value)}
			}
			return err
		})
	case n < 96:
		items := make(map[string][]byte)
		for _, key := range some {
			items[key] = []byte(c.newValue())
		}
		return c.timed(slices.Collect(maps.Keys(items)),
			func(key string) operation { return operation{method: "SetMany", kind: set, value: string(items[key])} },
			func([]keyed) error { return c.cache.SetMany(ctx, items, lifetime) })
	case n < 98:
		return c.timed(some, func(string) operation { return operation{method: "DeleteMany", kind: remove} },
			func([]keyed) error { return c.cache.DeleteMany(ctx, some) })
	}
	return c.timed(c.keys, func(string) operation { return operation{method: "Clear", kind: clearing} },
		func([]keyed) error { return c.cache.Clear(ctx) })
}

// one makes an operation on one key.
func (c *client) one(key string, o operation, do func(*operation) error) ([]keyed, error) {
	return c.timed([]string{key}, func(string) operation { return o }, func(made []keyed) error { return do(&made[0].operation) })
}

// timed makes an operation, one record of it for every key, and notes when it began and ended.
func (c *client) timed(keys []string, of func(key string) operation, do func([]keyed) error) ([]keyed, error) {
	made := make([]keyed, len(keys))
	for i, key := range keys {
		made[i] = keyed{key, of(key)}
	}
	begin := c.clock.Add(1)
	err := do(made)
	end := c.clock.Add(1)
	for i := range made {
		made[i].begin, made[i].end = begin, end
		c.saw(made[i].key, made[i].operation)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", made[0].method, err)
	}
	return made, err
}

// newValue returns a value that no other operation stores: mostly a number, sometimes one that is next to an overflow.
func (c *client) newValue() string {
	switch n := c.serial.Add(1); c.random.IntN(10) {
	case 0, 1, 2:
		return "v" + strconv.FormatInt(n, 10)
	case 3:
		return strconv.FormatInt(math.MaxInt64-n, 10)
	default:
		return strconv.FormatInt(n*1_000_000, 10)
	}
}

func (o *operation) got(value []byte, found bool, err error) error {
	o.answer = answer{found: found, value: string(value)}
	return err
}

func (o *operation) is(found bool, err error) error {
	o.answer = answer{found: found}
	return err
}

func (o *operation) counted(sum int64, err error) error {
	switch {
	case errors.Is(err, cache.ErrNotInteger):
		o.answer = answer{refused: notInteger}
	case errors.Is(err, cache.ErrOverflow):
		o.answer = answer{refused: overflow}
	default:
		o.answer = answer{sum: sum}
		return err
	}
	return nil
}
