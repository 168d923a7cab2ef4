package thinq

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a text that never shows itself; string(s) is the only way out.
type Secret string

// Masked is what a secret shows in its place.
const Masked = "[secret]"

// String is a placeholder, as are all other forms.
func (s Secret) String() string { return Masked }

// GoString is for %#v.
func (s Secret) GoString() string { return Masked }

// Format is for every verb of fmt, %x and %d included.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, Masked) }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Masked) }

// MarshalText is for encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Masked), nil }

// MarshalJSON is for encoding/json.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Masked + `"`), nil }

// Is reports whether it is a text that somebody gave, in a time that does not
// depend on how much of it is right.
func (s Secret) Is(text string) bool { return subtle.ConstantTimeCompare([]byte(s), []byte(text)) == 1 }

// A StoredSecret is a Secret that JSON has whole, because the state folder keeps
// it.
type StoredSecret string

// String is a placeholder, as are all other forms but JSON.
func (s StoredSecret) String() string { return Masked }

// Format is for every verb of fmt, %x and %d included.
func (s StoredSecret) Format(f fmt.State, _ rune) { io.WriteString(f, Masked) }

// LogValue is for slog.
func (s StoredSecret) LogValue() slog.Value { return slog.StringValue(Masked) }
