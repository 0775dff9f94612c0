package app

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/settings"
)

// openFile opens the store of the cache of that name, "" for the default one, in a directory of its own.
func openFile(s settings.Settings, name string) (cache.Store, error) {
	o := &filestore.Options{MaxBytes: s.Cache.FileMaxBytes, Timeout: s.Cache.Timeout}
	switch s.Cache.FileSync {
	case "file":
		o.Sync = filestore.SyncFile
	case "full":
		o.Sync = filestore.SyncFull
	}
	store, err := filestore.Open(fileDir(s.Cache.FilePath, name), o)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the name of the package, which says nothing to an operator
		}
		return nil, settings.Problem{Var: "APP_CACHE_FILE_PATH", Value: s.Cache.FilePath, Why: err.Error()}
	}
	return store, nil
}

// fileDir is the directory of the cache of that name. On some file systems two names are the same that differ in capitals only, so these have a mark
// that no name has.
func fileDir(path, name string) string {
	if name == "" {
		return path
	}
	var dir strings.Builder
	for _, r := range name {
		if 'A' <= r && r <= 'Z' {
			dir.WriteByte('=')
		}
		dir.WriteRune(r)
	}
	return filepath.Join(path, "larder.named", dir.String())
}
