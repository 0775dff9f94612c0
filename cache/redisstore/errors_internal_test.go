package redisstore

import (
	"errors"
	"testing"
)

// reply is an error that a server sends.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

func TestMistakesInScriptsOfEveryVersion(t *testing.T) {
	for _, tc := range []struct {
		said string
		want error
	}{
		// 6.2
		{"ERR Error running script (call to f_0123): @user_script:9: @user_script: 9: -OOM command not allowed when used memory > 'maxmemory'.", ErrMemory},
		{"@user_script: 12: -READONLY You can't write against a read only replica.", ErrReadOnly},
		{"ERR Error running script (call to f_0123): @user_script:9: @user_script: 9: The user executing the script can't run this command or subcommand", ErrPermission},
		// 7.0
		{"OOM command not allowed when used memory > 'maxmemory'. script: 0123, on @user_script:9.", ErrMemory},
		{"ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: 0123, on @user_script:2.", ErrPermission},
		// 7.2 and later
		{"ERR ACL failure in script: User u has no permissions to run the 'set' command script: 0123, on @user_script:4.", ErrPermission},
		{"READONLY You can't write against a read only replica. script: 0123, on @user_script:9.", ErrReadOnly},
		// not ours to know
		{"ERR Error running script", nil},
		{"ERR something else script: 0123, on @user_script:4.", nil},
		{"WRONGTYPE Operation against a key holding the wrong kind of value", nil},
	} {
		if got := mistake(reply(tc.said)); !errors.Is(got, tc.want) {
			t.Errorf("%q is %v; want %v", tc.said, got, tc.want)
		}
	}
}
