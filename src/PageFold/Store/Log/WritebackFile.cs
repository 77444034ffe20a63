using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageFold.Frames;
using PageFold.Interop;

namespace PageFold.Store.Log;

/// <summary>
/// The file or block device behind a <see cref="WritebackLog"/>, opened for this store alone. It begins with a mark by which it is known
/// again, so that nothing else is ever written over. Thread-safe.
/// </summary>
internal sealed class WritebackFile : IDisposable
{
    /// <summary>Bytes before the first segment: a block of a device.</summary>
    public const int HeaderBytes = 4096;

    private const int BlankBytes = 1 << 20;

    private readonly FileStream _stream;
    private readonly SafeFileHandle _handle;
    private readonly bool _isNew;
    private readonly AllocationFaults? _faults;
    private SafeFileHandle? _claim;
    private bool _keepsSpace;

    private WritebackFile(string path, FileStream stream, bool isNew, AllocationFaults? faults)
    {
        _faults = faults;
        // The working folder may be another by the time it is deleted.
        Path = System.IO.Path.GetFullPath(path);
        _stream = stream;
        _handle = stream.SafeFileHandle;
        _isNew = isNew;
    }

    private static ReadOnlySpan<byte> Mark => "PageFold writeback, worthless when its process is gone\n"u8;

    public string Path { get; }

    /// <summary>For tests, which damage it.</summary>
    internal SafeFileHandle Handle => _handle;

    /// <summary>The device's size; null for a file.</summary>
    public long? DeviceBytes { get; private set; }

    /// <exception cref="ArgumentException">Something else is in the file; nothing has changed.</exception>
    /// <exception cref="IOException">The file cannot be opened or written, or another process has it.</exception>
    public static WritebackFile Open(string path, AllocationFaults? faults)
    {
        bool isNew = !System.IO.Path.Exists(path);
        FileStreamOptions options = new()
        {
            Mode = isNew ? FileMode.CreateNew : FileMode.Open,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
            Options = isNew && !OperatingSystem.IsLinux() ? FileOptions.RandomAccess | FileOptions.DeleteOnClose : FileOptions.RandomAccess,
        };
        if (isNew && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        WritebackFile file = new(path, new FileStream(path, options), isNew, faults);
        bool usable = false;
        try
        {
            file.Claim();
            usable = true;
            return file;
        }
        finally
        {
            if (!usable)
                file.Close();
        }
    }

    /// <summary>Writes all bytes at a place after the header.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        LogThrow.IfMadeToFail(_faults?.ShouldRefuse() == true);
        FileSystem.Write(_handle, bytes, HeaderBytes + offset);
    }

    /// <summary>Reads as many bytes as there are, at most those asked for; returns how many.</summary>
    public int Read(Span<byte> bytes, long offset)
    {
        LogThrow.IfMadeToFail(_faults?.ShouldRefuse() == true);
        int got = 0;
        while (got < bytes.Length)
        {
            int read = RandomAccess.Read(_handle, bytes[got..], HeaderBytes + offset + got);
            if (read == 0)
                break;
            got += read;
        }
        return got;
    }

    /// <summary>
    /// Gives the room of a stretch back to the file system or the device, where that is possible and the file was not preallocated.
    /// </summary>
    public void Punch(long offset, long length)
    {
        if (!OperatingSystem.IsLinux() || Volatile.Read(ref _keepsSpace))
            return;
        int error;
        do
            error = LibC.fallocate(_handle, LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE, HeaderBytes + offset, length) == 0 ? 0
                : Marshal.GetLastPInvokeError();
        while (error == LibC.EINTR);
        // What failed for once is tried with the next stretch; what is not possible is not.
        if (error is LibC.EOPNOTSUPP or LibC.ENOSYS)
            Volatile.Write(ref _keepsSpace, true);
    }

    /// <summary>Reserves disk space for the first so many bytes of the file and keeps it; a device has its space already.</summary>
    /// <exception cref="IOException">The file system lacks the space, or cannot reserve it.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux.</exception>
    public void Preallocate(long bytes)
    {
        if (DeviceBytes is not null)
            return;
        if (!OperatingSystem.IsLinux())
            throw LogThrow.PreallocationNotHere();
        int error;
        do
            error = LibC.fallocate(_handle, 0, 0, bytes) == 0 ? 0 : Marshal.GetLastPInvokeError();
        while (error == LibC.EINTR);
        if (error != 0)
            LogThrow.NoDiskSpaceForWriteback(Path, bytes, error);
        Volatile.Write(ref _keepsSpace, true);
    }

    /// <summary>Closes the file, which deletes it if it was made here and empties it if it was there before.</summary>
    public void Dispose()
    {
        try
        {
            if (!_isNew && DeviceBytes is null && !_handle.IsClosed)
                RandomAccess.SetLength(_handle, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It may be append-only by now. Its content is worthless, and known to be.
        }
        Close();
    }

    private void Close()
    {
        try
        {
            // By now the name may be another's; where that cannot be told, the file stays.
            if (_isNew && !_handle.IsClosed && FileSystem.Identify(_handle) is { } own && FileSystem.Identify(Path) == own)
                File.Delete(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays; its content is worthless, and says so.
        }
        finally
        {
            _stream.Dispose();
            _claim?.Dispose();
        }
    }

    /// <summary>Sees that nothing of value is there, and puts the mark there.</summary>
    private void Claim()
    {
        if (!_stream.CanSeek)
            LogThrow.WritebackNeedsFile(Path);
        long length = RandomAccess.GetLength(_handle);
        // A block device has a size only for those who seek to its end.
        long end = length == 0 && OperatingSystem.IsLinux() ? LibC.lseek(_handle, 0, LibC.SEEK_END) : length;
        bool isDevice = length == 0 && end > 0;
        if (isDevice)
        {
            DeviceBytes = end;
            _claim = FileSystem.TryClaimDevice(Path, out string reason);
            if (_claim is null)
                LogThrow.WritebackDeviceInUse(Path, reason);
        }
        byte[] header = new byte[HeaderBytes];
        int read = Read(header, -HeaderBytes);
        bool isOurs = read >= Mark.Length && header.AsSpan().StartsWith(Mark);
        bool isBlank = isDevice ? IsBlank(0) && IsBlank(Math.Max(0, end - BlankBytes)) : length == 0;
        if (!isOurs && !isBlank)
            LogThrow.WritebackWouldOverwrite(Path);
        if (isOurs && !isDevice)
            RandomAccess.SetLength(_handle, 0);
        Array.Clear(header);
        Mark.CopyTo(header);
        Write(header, -HeaderBytes);
        // What forgets what it is told, as /dev/null does, is no file.
        byte[] written = new byte[HeaderBytes];
        if (Read(written, -HeaderBytes) != HeaderBytes || !written.AsSpan().SequenceEqual(header))
            LogThrow.WritebackNeedsFile(Path);
    }

    /// <summary>
    /// True if a stretch of the device is all zeros. Many a file system leaves the first blocks free, and some formats lie at the end.
    /// </summary>
    private bool IsBlank(long offset)
    {
        byte[] bytes = new byte[BlankBytes];
        int read = Read(bytes, offset - HeaderBytes);
        return read > 0 && !bytes.AsSpan(0, read).ContainsAnyExcept((byte)0);
    }
}
