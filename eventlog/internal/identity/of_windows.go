package identity

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// of leaves the boot unknown: Windows has no id of it that is cheap to ask for.
func of(f *os.File) (is Identity, err error) {
	handle := windows.Handle(f.Fd())
	var file windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(handle, &file); err != nil {
		return is, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	is.Inode = uint64(file.FileIndexHigh)<<32 | uint64(file.FileIndexLow)
	is.Birth = file.CreationTime.Nanoseconds()
	is.Device = uint64(file.VolumeSerialNumber)
	is.FS = volumeOf(handle)
	is.Host = own([]byte(machine()), "host")
	return is, nil
}

// volumeOf returns the kind of the file system: "remote" for that of another machine, which calls itself what it is
// there.
func volumeOf(file windows.Handle) string {
	var remote [256]byte // more than a FILE_REMOTE_PROTOCOL_INFO has
	if windows.GetFileInformationByHandleEx(file, windows.FileRemoteProtocolInfo, &remote[0], uint32(unsafe.Sizeof(remote))) == nil {
		return "remote"
	}
	var name [windows.MAX_PATH + 1]uint16
	if windows.GetVolumeInformationByHandle(file, nil, 0, nil, nil, nil, &name[0], uint32(len(name))) != nil {
		return ""
	}
	kind := strings.ToLower(windows.UTF16ToString(name[:]))
	if strings.HasPrefix(kind, "fat") {
		return "fat" // FAT, FAT32
	}
	return kind
}

// machine returns the id that Windows has given to itself when it was installed; "" where that cannot be read.
func machine() string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`, registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return ""
	}
	defer key.Close()
	id, _, err := key.GetStringValue("MachineGuid")
	if err != nil {
		return ""
	}
	return id
}
