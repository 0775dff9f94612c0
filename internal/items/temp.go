package items

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	tempPrefix = ".new-"
	// staleAfter is longer than any write takes: a temporary file of this age was left by a crash.
	staleAfter = time.Hour
)

// writeTemp writes the item to a file without a place in the list and returns its path.
func (f *files) writeTemp(item Item) (temp string, err error) {
	data, err := json.Marshal(item)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(f.dir, tempPrefix+"*") // with mode 0600
	if err != nil {
		return "", err
	}
	defer removeFailed(file.Name(), &err)
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync() // or a crash of the machine might leave the name without the content
	}
	return file.Name(), errors.Join(err, file.Close())
}

// removeFailed removes the temporary file of a write that failed.
func removeFailed(temp string, err *error) {
	if *err != nil {
		_ = os.Remove(temp) // what stays is removed when it is stale
	}
}

// removeStale removes what a crash left half written. It makes the lock file, which shows that the directory can be written, and
// does not wait for the lock: nobody else touches files of that age.
func (f *files) removeStale() error {
	lock, err := os.OpenFile(filepath.Join(f.dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = lock.Close()
	}
	if err != nil {
		return err
	}
	names, err := f.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) {
			continue
		}
		path := filepath.Join(f.dir, name)
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(path) // it is ignored everywhere else, so it does no harm where it cannot be removed
		}
	}
	return nil
}
