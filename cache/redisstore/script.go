package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // what the server calls a script by
	_ "embed"
	"encoding/hex"
	"slices"

	"github.com/redis/go-redis/v9"
)

// Each script works on one key, which it declares, and takes bytes as they are.
var (
	//go:embed increment.lua
	incrementSource string
	//go:embed swap.lua
	swapSource string
	//go:embed unlink_equal.lua
	unlinkEqualSource string
	//go:embed renew.lua
	renewSource string
	//go:embed persist.lua
	persistSource string
	//go:embed take.lua
	takeSource string
)

// script is one of them and the name that a server knows it by once it has seen it.
type script struct{ source, sha string }

type scripts struct{ increment, swap, unlinkEqual, renew, persist, take script }

func newScripts() scripts {
	named := func(source string) script {
		sum := sha1.Sum([]byte(source)) //nolint:gosec // the same
		return script{source: source, sha: hex.EncodeToString(sum[:])}
	}
	return scripts{
		increment:   named(incrementSource),
		swap:        named(swapSource),
		unlinkEqual: named(unlinkEqualSource),
		renew:       named(renewSource),
		persist:     named(persistSource),
		take:        named(takeSource),
	}
}

// evaluate runs the script on key; reply makes the command that reads its answer. A server that does not know the script, because it is new
// or was restarted, says so without executing anything: then, and only then, it is sent once more, in full.
func evaluate[C redis.Cmder](ctx context.Context, s *Store, sc script, key string, reply func(context.Context, ...any) C, args ...any) (C, error) {
	key = s.prefix + key
	all := append([]any{"evalsha", sc.sha, 1, key}, args...)
	process := s.process
	if slices.ContainsFunc(args, isLong) {
		process = s.processAlone
	}
	c := reply(ctx, all...)
	err := process(ctx, key, c)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		all[0], all[1] = "eval", sc.source
		c = reply(ctx, all...)
		err = process(ctx, key, c)
	}
	return c, err
}

func isLong(arg any) bool {
	value, ok := arg.([]byte)
	return ok && len(value) > maxShared
}
