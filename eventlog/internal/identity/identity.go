package identity

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
)

// Identity is what a file is on its file system, and where that is. What is zero is not known.
type Identity struct {
	Inode  uint64 // or the file's index
	Birth  int64  // nanoseconds since 1970
	Device uint64 // as it was numbered when the file was found
	Mount  uint64 // unique from one boot of the machine to the next
	// Host and Boot name the machine and its last start. They are hashes that are this program's own: nobody learns from
	// them the ids that the system gives to all programs.
	Host, Boot [16]byte
	// FS names the kind of the file system: "ext", "0x6a656a63" for one that has no name here. At most 32 bytes.
	FS string
	// Kept says that the file system has kept inode and birth time over a start of the machine: see [Renew].
	Kept bool
}

// Of returns the identity of an open file. What the system does not tell stays zero, so that an error means that the
// file cannot be asked about at all.
func Of(f *os.File) (Identity, error) {
	is, err := of(f)
	if len(is.FS) > maxFS {
		is.FS = is.FS[:maxFS]
	}
	return is, err
}

// maxFS bounds the name of a file system, in bytes.
const maxFS = 32

// ErrEncoding is returned by [Parse] for bytes that are no identity.
var ErrEncoding = errors.New("no identity of a file")

// fixed is what an encoded identity begins with; the name of the file system is the rest.
type fixed struct {
	Version       uint8
	Inode         uint64
	Birth         int64
	Device, Mount uint64
	Host, Boot    [16]byte
	Kept          bool
}

const version = 1

// Encode returns the identity as bytes, big-endian:
//
//	version 1 │ inode 8 │ birth 8 │ device 8 │ mount 8 │ host 16 │ boot 16 │ kept 1 │ file system ≤ 32
func (is Identity) Encode() []byte {
	b, _ := binary.Append(nil, binary.BigEndian, fixed{
		version, is.Inode, is.Birth, is.Device, is.Mount, is.Host, is.Boot, is.Kept,
	}) // all of it has a fixed size
	return append(b, is.FS...)
}

// Parse reads an identity: what [Identity.Encode] returns, and nothing else.
func Parse(b []byte) (Identity, error) {
	var head fixed
	n, err := binary.Decode(b, binary.BigEndian, &head)
	if err != nil || len(b)-n > maxFS {
		return Identity{}, ErrEncoding
	}
	is := Identity{
		Inode: head.Inode, Birth: head.Birth, Device: head.Device, Mount: head.Mount,
		Host: head.Host, Boot: head.Boot, FS: string(b[n:]), Kept: head.Kept,
	}
	if !bytes.Equal(is.Encode(), b) {
		return Identity{}, ErrEncoding
	}
	return is, nil
}

// own returns the hash of an id of the system that is this program's own; zero for no id.
func own(id []byte, of string) (hash [16]byte) {
	if len(bytes.Trim(id, "\x00")) > 0 {
		sum := hmac.New(sha256.New, id)
		sum.Write([]byte("quipu/" + of + "/v1"))
		copy(hash[:], sum.Sum(nil))
	}
	return hash
}
