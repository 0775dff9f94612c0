package filestore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache/filestore"
)

// recordLen is how long a writer's records are: a pipe takes each in whole.
const recordLen = 8

// writeUntilKilled is a program that tells what it finds under its own keys, then follows a script and tells of each step that it is done: of an
// Increment the sum.
func writeUntilKilled(args []string) error {
	dir, small := args[0], args[4] == "small"
	slot, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	serial, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	s, err := filestore.Open(dir, &filestore.Options{Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	own, err := readOwn(context.Background(), s, slot)
	if err != nil {
		return err
	}
	tell := func(n uint64) error {
		_, err := os.Stdout.Write(binary.LittleEndian.AppendUint64(nil, n))
		return err
	}
	if err := tell(digest(own)); err != nil {
		return err
	}
	for sc := newScript(slot, seed, serial, small, own); ; {
		st := sc.next()
		answer, err := st.do(context.Background(), s)
		if err != nil {
			return err
		}
		if !st.foreign() {
			if want := sc.apply(st); answer != want {
				return fmt.Errorf("%s of %q, which is this writer's alone: %.40q; want %.40q", st.method, st.key, answer, want)
			}
		}
		var sum uint64
		if st.method == "Increment" {
			sum, _ = strconv.ParseUint(answer, 10, 64) // it was written so
		}
		if err := tell(sum); err != nil {
			return err
		}
	}
}

// readOwn reads what the keys of a slot hold, and fails where it was never stored there.
func readOwn(ctx context.Context, s *filestore.Store, slot int) (map[string]string, error) {
	own := make(map[string]string)
	for i, key := range ownKeys(slot) {
		value, found, err := s.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if found {
			own[key] = string(value)
		}
		if number := i == len(ownKeys(slot))-1; found && !number && !isOf(key, value) {
			return nil, fmt.Errorf("%q holds %d bytes that were never stored there", key, len(value))
		}
	}
	return own, nil
}
