package items

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/settings"
)

const (
	extension = ".json"
	lockName  = ".lock"

	// maxFile is more than a valid item takes: 200 characters of at most 6 bytes in JSON.
	maxFile = 4096
	// settleTime is more than the tick of any kernel's clock for files, which is 10 ms at most on Linux.
	settleTime = 50 * time.Millisecond
	// versionStep is what every file system in use can tell apart; NTFS counts in 100 ns.
	versionStep = time.Microsecond
)

// errNotItem is the error of a file that has the name of an item and is none.
var errNotItem = errors.New("the file is not an item")

// files keeps each item in a file of its own, dir/<id>.json with mode 0600. It is safe for concurrent use, also by
// several processes. An item that is not there gives an error that matches [fs.ErrNotExist].
//
// A file is never changed in place: a new one takes its name, so that a reader sees the old item or the new one whole, and so
// that the directory's time changes with every write. Who edits the files by hand should do it like that too. A file that has the
// name of an item and is none counts as absent, but it can be replaced and removed.
type files struct {
	dir  string
	turn chan struct{} // holds a token while somebody here has the lock file: waiting for it costs less than trying that
}

func openFiles(dir string) (*files, error) {
	f := &files{dir: dir, turn: make(chan struct{}, 1)}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = f.removeStale()
	}
	if err != nil {
		return nil, settings.Problem{Var: "APP_ITEMS_PATH", Value: dir, Why: "cannot keep items: " + err.Error(), Allowed: "a directory that this user may write to"}
	}
	return f, nil
}

func (f *files) path(id string) string { return filepath.Join(f.dir, id+extension) }

// version returns the version of the item's file.
func (f *files) version(id string) (version, error) {
	info, err := os.Lstat(f.path(id))
	if err != nil {
		return version{}, err
	}
	return versionOf(info), nil
}

// read returns the item. A file that is none gives an error that matches errNotItem.
func (f *files) read(id string) (Item, error) {
	path := f.path(id)
	// Opening a named pipe waits for its writer, so what the file is comes first.
	info, err := os.Lstat(path)
	if err != nil {
		return Item{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return Item{}, fmt.Errorf("%w: %s has mode %v and %d bytes", errNotItem, path, info.Mode(), info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Item{}, err
	}
	item, err := parseItem(id, data)
	if err != nil {
		return Item{}, fmt.Errorf("%w: %s: %v", errNotItem, path, err) // %v: it is not the client's mistake
	}
	return item, nil
}

// listVersion returns the version of the whole list, and whether it may stand for it. The time of a directory advances in
// ticks, and changes within one tick are told apart by nothing; so a list is not settled until its last change is older than that.
func (f *files) listVersion() (v version, settled bool, err error) {
	info, err := os.Stat(f.dir)
	if err != nil {
		return version{}, false, err
	}
	return versionOf(info), time.Since(info.ModTime()) > settleTime, nil
}

// list returns the first items in the order of their ids, at most limit. It opens no more files than that, but for those
// that are no items, which it skips and logs together.
func (f *files) list(ctx context.Context, limit int) ([]Item, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	items := []Item{} // an empty JSON array, not null
	var ignored []string
	for _, name := range names {
		if len(items) == limit {
			break
		}
		if strings.HasPrefix(name, ".") {
			continue
		}
		id, found := strings.CutSuffix(name, extension)
		if !found || !validID(id) {
			ignored = append(ignored, name)
			continue
		}
		item, err := f.read(id)
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted since
		case errors.Is(err, errNotItem):
			ignored = append(ignored, name)
		case err != nil:
			return nil, err
		default:
			items = append(items, item)
		}
	}
	if len(ignored) > 0 {
		slog.WarnContext(ctx, "files that are not items ignored", "dir", f.dir, "files", len(ignored), "first", ignored[0])
	}
	return items, nil
}

func (f *files) names() ([]string, error) {
	dir, err := os.Open(f.dir)
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	return names, errors.Join(err, dir.Close())
}

// create stores an item whose id is new.
func (f *files) create(item Item) (err error) {
	temp, err := f.writeTemp(item)
	if err != nil {
		return err
	}
	defer removeFailed(temp, &err)
	return os.Rename(temp, f.path(item.ID))
}

// replace stores an item whose id is in use. Of two at once the last to get the lock wins, and one that comes after a
// remove does not bring the item back.
func (f *files) replace(ctx context.Context, item Item) (err error) {
	if _, err := f.version(item.ID); err != nil {
		return err // before anything is written
	}
	temp, err := f.writeTemp(item)
	if err != nil {
		return err
	}
	defer removeFailed(temp, &err)
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := os.Lstat(f.path(item.ID))
	if err != nil {
		return err
	}
	// Every version must differ from all before it, though the clock may have been set back or stand still.
	modified := time.Now()
	if next := old.ModTime().Add(versionStep); modified.Before(next) {
		modified = next
	}
	if err := os.Chtimes(temp, modified, modified); err != nil {
		return err
	}
	return os.Rename(temp, f.path(item.ID))
}

// remove deletes the item.
func (f *files) remove(ctx context.Context, id string) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return os.Remove(f.path(id))
}

// lock keeps all others, in every process, from replacing and removing. It is held for a few system calls only, and waited for as
// long as ctx allows.
func (f *files) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	file, err := lockFile(ctx, filepath.Join(f.dir, lockName))
	if err != nil {
		<-f.turn
		return nil, err
	}
	return func() {
		_ = file.Close()
		<-f.turn
	}, nil
}
