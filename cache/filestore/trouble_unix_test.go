//go:build unix

package filestore_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/internal/wait"
)

// troubled is the name of the variable that a child has: the test whose part it plays.
const troubled = "LARDER_FILESTORE_TROUBLE"

// childOf is a process of its own that runs the same test, which it asks by inChild.
func childOf(t *testing.T, attr *syscall.SysProcAttr) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), troubled+"="+t.Name())
	cmd.SysProcAttr = attr
	return cmd
}

func inChild(t *testing.T) bool { t.Helper(); return os.Getenv(troubled) == t.Name() }

// apart runs body in a child, as what it does to its process is not undone.
func apart(t *testing.T, attr *syscall.SysProcAttr, body func(t *testing.T)) {
	t.Helper()
	if inChild(t) {
		body(t)
		return
	}
	cmd := childOf(t, attr)
	// A user without rights cannot reach into a directory of root's.
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil { //nolint:gosec // it goes with the test
			t.Fatal(err)
		}
	}
	cmd.Env = append(cmd.Env, "TMPDIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("the child: %v\n%s", err, out)
	}
}

// without makes the process one of a user without rights, where it is root's.
func without(t *testing.T) {
	t.Helper()
	const nobody = 65534
	if os.Getuid() != 0 {
		return
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutPermissionAWriteSaysSoAndTheOldValueStands(t *testing.T) {
	apart(t, nil, func(t *testing.T) {
		without(t)
		for _, tc := range []struct {
			name   string
			at     func(dir string) string
			mode   os.FileMode
			back   os.FileMode
			writes bool // a Set works all the same
			get    error
			delete error // why it fails
		}{
			{name: "for the directory", at: func(dir string) string { return dir }, mode: 0, back: 0o700, get: syscall.EACCES, delete: syscall.EACCES},
			{name: "to write in the directory", at: func(dir string) string { return dir }, mode: 0o500, back: 0o700, writes: true},
			{name: "for larder.v1", at: func(dir string) string { return filepath.Join(dir, "larder.v1") }, mode: 0, back: 0o700, get: syscall.EACCES, delete: syscall.EACCES},
			{name: "to write in larder.v1", at: func(dir string) string { return filepath.Join(dir, "larder.v1") }, mode: 0o500, back: 0o700, writes: true},
			{name: "for a shard", at: func(dir string) string { return filepath.Dir(fileOf(dir, "k")) }, mode: 0, back: 0o700, get: syscall.EACCES, delete: syscall.EACCES},
			{name: "to write in a shard", at: func(dir string) string { return filepath.Dir(fileOf(dir, "k")) }, mode: 0o500, back: 0o700, delete: syscall.EACCES},
		} {
			for _, mapped := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/mapped %t", tc.name, mapped), func(t *testing.T) {
					dir := t.TempDir()
					s := open(t, dir, nil)
					set(t, s, "k", oldValue)
					if mapped {
						read(t, s, "k", oldValue)
					}
					fresh := open(t, dir, nil)
					chmod(t, tc.at(dir), tc.mode)
					t.Cleanup(func() { chmod(t, tc.at(dir), tc.back) }) // what was given back can be removed
					if tc.writes {
						set(t, s, "k", newValue)
						wantValue(t, s, "k", newValue)
					} else {
						wantTrouble(t, s.Set(t.Context(), "k", []byte(newValue), time.Hour), "set", "k", syscall.EACCES)
					}
					if tc.get != nil {
						_, _, err := fresh.Get(t.Context(), "k")
						wantTrouble(t, err, "get", "k", tc.get)
					}
					if mapped && !tc.writes {
						wantValue(t, s, "k", oldValue)
					}
					chmod(t, tc.at(dir), tc.back)
					if !tc.writes {
						wantValue(t, s, "k", oldValue)
						wantValue(t, fresh, "k", oldValue)
					}
					chmod(t, tc.at(dir), tc.mode)
					if err := s.Delete(t.Context(), "k"); tc.delete != nil {
						wantTrouble(t, err, "delete", "k", tc.delete)
					} else if err != nil {
						t.Error(err)
					}
					chmod(t, tc.at(dir), tc.back)
					wantMiss(t, s, "k")
					set(t, s, "k", newValue)
					wantValue(t, s, "k", newValue)
					wantValue(t, fresh, "k", newValue)
				})
			}
		}
	})
}

// A file that only somebody else may read may be anybody's.
func TestAnEntryThatMayNotBeReadIsAMissAndIsReplaced(t *testing.T) {
	apart(t, nil, func(t *testing.T) {
		without(t)
		dir := t.TempDir()
		s := open(t, dir, nil)
		set(t, s, "k", oldValue)
		chmod(t, fileOf(dir, "k"), 0)
		wantMiss(t, s, "k")
		set(t, s, "k", newValue)
		wantValue(t, s, "k", newValue)
	})
}

func TestAnEntryThatMayNotBeReadAnyMoreIsAMissAfterADelete(t *testing.T) {
	apart(t, nil, func(t *testing.T) {
		without(t)
		dir := t.TempDir()
		s := open(t, dir, nil)
		set(t, s, "k", oldValue)
		read(t, s, "k", oldValue)
		chmod(t, fileOf(dir, "k"), 0)
		wantTrouble(t, s.Delete(t.Context(), "k"), "delete", "k", syscall.EACCES)
		wantMiss(t, s, "k")
		chmod(t, fileOf(dir, "k"), 0o600)
		wantMiss(t, s, "k")
	})
}

func TestOpenNamesTheDirectoryThatMayNotBeWritten(t *testing.T) {
	apart(t, nil, func(t *testing.T) {
		without(t)
		for _, tc := range []struct {
			below string // what Open is given
			mode  os.FileMode
		}{{"", 0}, {"", 0o500}, {"deeper", 0o500}, {"deeper", 0}} {
			top := t.TempDir()
			dir := filepath.Join(top, tc.below)
			chmod(t, top, tc.mode)
			s, err := filestore.Open(dir, nil)
			chmod(t, top, 0o700)
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v, want one that names %s and says %q", err, dir, syscall.EACCES)
			}
			set(t, open(t, dir, nil), "k", oldValue)
		}
	})
}

func TestAFileLargerThanTheProcessMayWriteIsRefusedAndTheOldValueStands(t *testing.T) {
	apart(t, nil, func(t *testing.T) {
		signal.Ignore(syscall.SIGXFSZ)
		dir := t.TempDir()
		s := open(t, dir, nil)
		set(t, s, "k", oldValue)
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		small := limit
		small.Cur = 64 << 10
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			t.Fatal(err)
		}
		large := strings.Repeat(newValue, 10_000)
		wantTrouble(t, s.Set(t.Context(), "k", []byte(large), time.Hour), "set", "k", syscall.EFBIG)
		wantValue(t, s, "k", oldValue)
		wantNoTemporaries(t, dir)
		set(t, s, "small", newValue)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		set(t, s, "k", large)
		wantValue(t, s, "k", large)
	})
}

func TestWithoutDescriptorsOnlyMappedEntriesAreRead(t *testing.T) {
	apart(t, nil, func(t *testing.T) {
		s := open(t, t.TempDir(), nil)
		set(t, s, "mapped", oldValue)
		set(t, s, "k", oldValue)
		read(t, s, "mapped", oldValue)
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		few := limit
		few.Cur = 128
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
			t.Fatal(err)
		}
		var used []int
		for {
			fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
			if err == syscall.EMFILE {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			used = append(used, fd)
		}
		for _, key := range []string{"k", "mapped", "a shard that is not open"} {
			wantTrouble(t, s.Set(t.Context(), key, []byte(newValue), time.Hour), "set", key, syscall.EMFILE)
		}
		_, _, err := s.Get(t.Context(), "k")
		wantTrouble(t, err, "get", "k", syscall.EMFILE)
		wantTrouble(t, s.Ping(t.Context()), "ping", "", syscall.EMFILE)
		wantValue(t, s, "mapped", oldValue)
		for _, fd := range used {
			if err := syscall.Close(fd); err != nil {
				t.Error(err)
			}
		}
		for _, key := range []string{"k", "mapped"} {
			wantValue(t, s, key, oldValue)
			set(t, s, key, newValue)
			wantValue(t, s, key, newValue)
		}
	})
}

// The child holds the lock of a shard as a writer does.
func TestAProcessThatIsStoppedKeepsOnlyTheWritersOfOneShardWaiting(t *testing.T) {
	const timeout = 250 * time.Millisecond
	if inChild(t) {
		fd, err := syscall.Open(os.Getenv("LARDER_SHARD"), syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err == nil {
			err = syscall.Flock(fd, syscall.LOCK_EX)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("held")
		_, _ = io.ReadAll(os.Stdin)
		return
	}
	dir := t.TempDir()
	s := open(t, dir, &filestore.Options{Timeout: timeout})
	keys := []string{"k", "neighbour 1"}
	for i := 2; fileDir(dir, keys[1]) != fileDir(dir, "k"); i++ {
		keys[1] = fmt.Sprint("neighbour ", i)
	}
	for _, key := range append(keys, "elsewhere") {
		set(t, s, key, oldValue)
	}
	cmd := childOf(t, nil)
	cmd.Env = append(cmd.Env, "LARDER_SHARD="+fileDir(dir, "k"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "held" {
		continue
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	err = s.Set(t.Context(), "k", []byte(newValue), time.Hour)
	if took := time.Since(begun); !errors.Is(err, cache.ErrUnavailable) || took > 8*timeout {
		t.Errorf("Set = %v after %v, want ErrUnavailable after %v", err, took, timeout)
	}
	wantValue(t, s, keys[1], oldValue)
	wantMiss(t, s, "k") // its Set timed out
	wantValue(t, open(t, dir, nil), "k", oldValue)
	set(t, s, "elsewhere", newValue)
	wantValue(t, s, "elsewhere", newValue)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	_, _ = io.ReadAll(out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the child: %v", err)
	}
	wait.Until(t, func() bool { return s.Set(t.Context(), "k", []byte(newValue), time.Hour) == nil })
	for _, key := range keys {
		set(t, s, key, newValue)
		wantValue(t, s, key, newValue)
	}
}

func fileDir(dir, key string) string { return filepath.Dir(fileOf(dir, key)) }
