package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
)

// A Secret is a text that never shows itself; string(s) is the only way out.
type Secret string

const masked = "[secret]"

// String is a placeholder, as are all other forms.
func (s Secret) String() string { return masked }

// GoString is for %#v.
func (s Secret) GoString() string { return masked }

// Format is for every verb of fmt, %x and %d included.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, masked) }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText is for encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON is for encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// A secretSource is where a secret comes from: its value or a file. It is read
// at every use, so that a replaced file counts without a restart.
type secretSource struct {
	key   string // "thinq.token"
	value Secret
	file  string
}

// secretLimit bounds a secret file: a longer one is some other file.
const secretLimit = 16 << 10

// set reports whether there is any source at all.
func (s secretSource) set() bool { return s.value != "" || s.file != "" }

// String says where the secret comes from, never what it is.
func (s secretSource) String() string {
	if s.file != "" {
		return "from " + s.file
	}
	return "from the configuration"
}

// Read is the secret as of now, without the newline at the end of its file.
func (s secretSource) Read() (string, error) {
	if s.file == "" {
		return string(s.value), nil
	}
	f, err := os.Open(s.file)
	if err != nil {
		return "", unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", unreadable(err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return "", errors.New("can be written by everybody, so it cannot be trusted: chmod o-w it")
	}
	data, err := io.ReadAll(io.LimitReader(f, secretLimit))
	if err != nil {
		return "", unreadable(err)
	}
	text := strings.TrimRight(string(data), "\r\n")
	switch {
	case text == "":
		return "", errors.New("is empty: put the secret into it")
	case strings.ContainsAny(text, "\r\n") || len(data) == secretLimit:
		return "", errors.New("holds more than one line: put only the secret into it")
	}
	return text, nil
}

// Warning tells of a file that more people can read than need to; empty if all
// is well.
func (s secretSource) Warning() string {
	if s.file == "" {
		return ""
	}
	info, err := os.Stat(s.file)
	if err != nil || info.Mode().Perm()&0o044 == 0 {
		return ""
	}
	return fmt.Sprintf("%s_file: %s can be read by others: chmod 600 it", s.key, s.file)
}

// unreadable is the complaint about a file that cannot be read, with what to do
// about it.
func unreadable(err error) error {
	remedy := "name a file that this user can read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		remedy = "create it, or correct the path"
	case errors.Is(err, fs.ErrPermission):
		remedy = "let this user read it"
	case errors.Is(err, syscall.EISDIR):
		remedy = "name a file in it"
	}
	return fmt.Errorf("cannot be read: %w: %s", bare(err), remedy)
}

// bare strips operation and path off an error of package os, because the
// sentence around it names the file already.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
