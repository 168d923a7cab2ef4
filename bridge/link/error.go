package link

import (
	"errors"
	"fmt"
)

// What Publish and Run report; compare with errors.Is.
var (
	ErrDown        = errors.New("not connected")
	ErrTooLarge    = errors.New("larger than the broker accepts")
	ErrTopic       = errors.New("not a topic to publish to")
	ErrRefused     = errors.New("refused by the broker")
	ErrCertificate = errors.New("client certificate refused")
	ErrStuck       = errors.New("the connection stands still, made anew three times in vain")
)

var (
	errOldBroker = errors.New("the broker speaks MQTT 3.1.1 only, MQTT 5 is needed")
	errNotMQTT   = errors.New("what answers is not an MQTT broker")
	errNoConnack = errors.New("connection closed before an answer: is this an MQTT 5 broker, and the right port")
	errNoTLS     = errors.New("no TLS comes about: is this a port for TLS (mqtts, wss), or a plain one (mqtt, ws)")
	errMute      = errors.New("the broker did not answer within 10 s")
	errSilent    = errors.New("nothing heard from the broker for more than twice the keepalive")
	errLost      = fmt.Errorf("lost before the acknowledgement: %w", ErrDown)
	errNoAck     = errors.New("no acknowledgement within 10 s")
	errDialTime  = errors.New("no connection within 10 s")
	errClear     = errors.New("the password would go unencrypted over the internet: use mqtts, or allow it by mqtt.allow_plain")
	errStands    = errors.New("no connection for 10 min, trying with a new connection manager")
	errRetired   = errors.New("another connection manager has taken over")
)

// A SizeError is [ErrTooLarge] with what the broker said about it.
type SizeError struct {
	Topic       string
	Size, Limit int // of packets, in bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: %v: %d bytes, %d allowed", e.Topic, ErrTooLarge, e.Size, e.Limit)
}

func (e *SizeError) Unwrap() error { return ErrTooLarge }
