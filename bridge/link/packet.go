package link

import (
	"encoding/binary"
	"io"
	"sync"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/session"
)

// A publication is a PUBLISH packet. The library's own is put together from four
// parts, which takes longer than all else that happens to a message here.
type publication struct {
	Message
	id uint16
}

var _ session.Packet = (*publication)(nil)

func (p *publication) SetIdentifier(id uint16) { p.id = id }
func (*publication) Type() byte                { return packets.PUBLISH }

// WriteTo writes the packet at once.
func (p *publication) WriteTo(w io.Writer) (int64, error) {
	b := p.bytes()
	if l, ok := w.(sync.Locker); ok {
		l.Lock()
		defer l.Unlock()
	}
	n, err := w.Write(b)
	return int64(n), err
}

// Properties of MQTT 5 section 3.3.2.3.
const (
	responseTopic   = 8
	correlationData = 9
)

// bytes is the packet by MQTT 5 section 3.3. Its variable byte integers are
// those of encoding/binary.
func (p *publication) bytes() []byte {
	var properties []byte
	if p.Reply != "" {
		properties = appendField(append(properties, responseTopic), p.Reply)
	}
	if p.Correlation != nil {
		properties = appendField(append(properties, correlationData), p.Correlation)
	}
	size := 2 + len(p.Topic) + 2 + len(properties) + len(p.Payload)
	size += len(binary.AppendUvarint(nil, uint64(len(properties))))
	flags := byte(1 << 1) // QoS 1
	if p.Retain {
		flags |= 1
	}
	b := make([]byte, 0, 5+size)
	b = append(b, packets.PUBLISH<<4|flags)
	b = binary.AppendUvarint(b, uint64(size))
	b = appendField(b, p.Topic)
	b = binary.BigEndian.AppendUint16(b, p.id)
	b = binary.AppendUvarint(b, uint64(len(properties)))
	b = append(b, properties...)
	return append(b, p.Payload...)
}

// appendField appends a string or binary data with its length (MQTT 5 section 1.5.4).
func appendField[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
