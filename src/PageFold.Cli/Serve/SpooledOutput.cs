using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;
using PageFold.Cli.Interop;

namespace PageFold.Cli.Serve;

/// <summary>
/// A snapshot or image on its way into a pipe, a device or an open descriptor: gathered in a temporary file, and written from its beginning
/// to its end when it is whole.
/// </summary>
/// <remarks>
/// The pages of an image come in any order, and a pipe takes them in one. Also, a slow reader such as a compressor does not slow the disk's
/// clients, and gets nothing of a snapshot that fails. The temporary file has no name, so nothing is left of it, whatever ends the command.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class SpooledOutput : SnapshotOutput
{
    private const int BlockBytes = 1 << 20;
    private const string PreferredFolder = "/var/tmp";

    private readonly string _target;
    private readonly Func<SafeFileHandle> _open;
    private readonly string _folder;
    private readonly FileStream _spool;

    /// <param name="target">What the user calls the target.</param>
    /// <param name="open">Opens it, when all is gathered; that may take as long as its reader likes.</param>
    /// <exception cref="UserErrorException">There is no place for the temporary file.</exception>
    public SpooledOutput(string target, Func<SafeFileHandle> open)
    {
        _target = target;
        _open = open;
        // A snapshot may be large, and /tmp is memory on many systems.
        _folder = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } chosen ? chosen
            : Directory.Exists(PreferredFolder) ? PreferredFolder
            : Path.GetTempPath();
        string name = Path.Combine(_folder, $"pagefold-{Guid.NewGuid():N}");
        try
        {
            _spool = new FileStream(name, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.Delete,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            File.Delete(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(e);
        }
    }

    public override void Begin(long length)
    {
        try
        {
            _spool.SetLength(length);
        }
        catch (Exception e) when (e is IOException or ArgumentOutOfRangeException)
        {
            throw Unusable(e);
        }
    }

    public override void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_spool.SafeFileHandle, bytes, offset);
        }
        // The runtime has the latter for a file that would be too large.
        catch (Exception e) when (e is IOException or ArgumentOutOfRangeException)
        {
            throw Unusable(e);
        }
    }

    /// <summary>
    /// Writes all of it to the target, on a thread of its own: a reader that takes nothing must not keep the command from being
    /// interrupted.
    /// </summary>
    public override void Complete(CancellationToken cancellationToken)
    {
        Task copying = Task.Factory.StartNew(
            () => Copy(cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Task.WaitAny([copying], cancellationToken);
        copying.GetAwaiter().GetResult();
    }

    protected override void Dispose(bool disposing) => _spool.Dispose();

    private void Copy(CancellationToken cancellationToken)
    {
        try
        {
            using SafeFileHandle target = _open();
            Copy((int)target.DangerousGetHandle(), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"{_target} could not be written ({e.Message.TrimEnd('.')}), and is not complete; choose another file.", e);
        }
    }

    private void Copy(int target, CancellationToken cancellationToken)
    {
        SafeFileHandle spool = _spool.SafeFileHandle;
        long length = RandomAccess.GetLength(spool);
        bool leavesHoles = CanLeaveHoles(target);
        byte[] block = new byte[BlockBytes];
        for (long offset = 0; offset < length;)
        {
            long data = SystemFiles.NextData(spool, offset, length);
            if (leavesHoles)
                Descriptor.Skip(target, data - offset);
            else
                Write(offset, data);
            offset = data < length ? SystemFiles.NextHole(spool, data, length) : length;
            Write(data, offset);
        }
        if (leavesHoles && Descriptor.Position(target) is { } end)
            Descriptor.SetLength(target, end);

        void Write(long from, long to)
        {
            while (from < to)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int count = RandomAccess.Read(spool, block.AsSpan(0, (int)Math.Min(BlockBytes, to - from)), from);
                Descriptor.WriteAll(target, block.AsSpan(0, count));
                from += count;
            }
        }
    }

    /// <summary>True for a file with nothing behind the position, in which what is skipped reads as zeros.</summary>
    private static bool CanLeaveHoles(int target) =>
        Descriptor.Status(target) is { Kind: FileKind.Regular } status && Descriptor.IsWritable(target, out bool appends) && !appends
            && Descriptor.Position(target) >= status.Length;

    private UserErrorException Unusable(Exception e) =>
        new(
            $"the snapshot is gathered in {_folder} before it goes to {_target}, and that cannot be done ({e.Message.TrimEnd('.')}); set "
            + "TMPDIR to a folder with room for it.", e);
}
