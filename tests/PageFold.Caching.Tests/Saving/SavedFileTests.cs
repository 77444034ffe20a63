using System.Diagnostics;
using System.Text;
using PageFold.Caching.Tests.Coding;

namespace PageFold.Caching.Tests.Saving;

public class SavedFileTests
{
    [Fact]
    public void A_failure_at_any_write_leaves_the_old_file_and_no_other()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = SavedCaches.Make(compression: CacheCompression.None);
        cache.Set("a", "old"u8);
        cache.Save(folder.File);
        byte[] old = File.ReadAllBytes(folder.File);
        for (int i = 0; i < 600; i++)
            cache.Set($"{i}", Values.Noise(i, 1000));
        int failures = 0;
        for (int writes = 0; ; writes++)
        {
            FailingStream? failing = null;
            try
            {
                cache.Save(folder.File, stream => failing = new FailingStream(stream, writes), CancellationToken.None);
                break;
            }
            catch (IOException e) when (e.Message == FailingStream.Message)
            {
                failures++;
            }
            Assert.Equal(old, File.ReadAllBytes(folder.File));
            Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
        }
        // Header, three blocks, end.
        Assert.Equal(5, failures);
        Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
        using CompressedCache other = SavedCaches.Make();
        Assert.Equal(601, other.Load(folder.File).Loaded);
    }

    [Fact]
    public void What_is_no_saved_cache_is_not_replaced()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = SavedCaches.Make();
        cache.Set("a", "value"u8);
        foreach (string content in (string[])["", "a text"])
        {
            File.WriteAllText(folder.File, content);
            IOException refusal = Assert.Throws<IOException>(() => cache.Save(folder.File));
            Assert.Contains("is no saved cache, so it is not replaced", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(content, File.ReadAllText(folder.File));
        }
        File.Delete(folder.File);
        cache.Save(folder.File);
        cache.Save(folder.File);
        Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_pipe_is_not_replaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes with names in folders.");
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = SavedCaches.Make();
        using (Process made = Process.Start("mkfifo", folder.File))
            made.WaitForExit();
        Assert.Throws<IOException>(() => cache.Save(folder.File));
        Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_save_that_is_cancelled_leaves_the_old_file_and_no_other()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = SavedCaches.Make();
        cache.Set("a", "old"u8);
        cache.Save(folder.File);
        byte[] old = File.ReadAllBytes(folder.File);
        cache.Set("b", "new"u8);
        Assert.Throws<OperationCanceledException>(() => cache.Save(folder.File, new CancellationToken(canceled: true)));
        using CancellationTokenSource late = new();
        Assert.Throws<OperationCanceledException>(() =>
            cache.Save(folder.File, stream => new FailingStream(stream, int.MaxValue) { Flushed = late.Cancel }, late.Token));
        Assert.Equal(old, File.ReadAllBytes(folder.File));
        Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void What_a_crash_has_left_behind_goes_with_the_next_save()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = SavedCaches.Make();
        string left = $"{folder.File}.{Guid.NewGuid():N}.pagefold-partial";
        string others = $"{folder.File}2.{Guid.NewGuid():N}.pagefold-partial";
        string open = $"{folder.File}.{Guid.NewGuid():N}.pagefold-partial";
        File.WriteAllText(left, "half");
        File.WriteAllText(others, "half");
        using (new FileStream(open, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            cache.Save(folder.File);
        Assert.Equal(new[] { folder.File, others, open }.Order(StringComparer.Ordinal),
            Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_link_stays_and_the_file_is_private()
    {
        if (OperatingSystem.IsWindows())
            return;
        using SavedCaches.Folder folder = new();
        string link = folder.File + "-link";
        File.CreateSymbolicLink(link, folder.File);
        using CompressedCache cache = SavedCaches.Make();
        cache.Set("a", "x"u8);
        cache.Save(link);
        cache.Save(link);
        Assert.Equal(folder.File, new FileInfo(link).LinkTarget);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.File));
        using CompressedCache other = SavedCaches.Make();
        Assert.Equal(1, other.Load(link).Loaded);
        Assert.Throws<IOException>(() => cache.Save(folder.Path));
    }

    [Fact]
    public void Streams_that_cannot_serve_are_refused()
    {
        using CompressedCache cache = SavedCaches.Make();
        Assert.Throws<ArgumentException>(() => cache.Save(new MemoryStream([], writable: false)));
        using FailingStream forwards = new(new MemoryStream(), 0);
        Assert.Throws<ArgumentException>(() => cache.Load(forwards));
        Assert.Throws<ArgumentNullException>(() => cache.Load((Stream)null!));
        Assert.Throws<ArgumentException>(() => cache.Load(""));
    }

    [Fact]
    public void A_saved_cache_may_lie_in_the_middle_of_a_stream()
    {
        using CompressedCache cache = SavedCaches.Make();
        cache.Set("a", "x"u8);
        MemoryStream stream = new();
        stream.Write(Encoding.UTF8.GetBytes("before"));
        cache.Save(stream);
        stream.Position = 6;
        using CompressedCache other = SavedCaches.Make();
        Assert.Equal(1, other.Load(stream).Loaded);
    }

    /// <summary>Fails after so many writes; cannot be read or seeked.</summary>
    private sealed class FailingStream(Stream stream, int writes) : Stream
    {
        public const string Message = "The device is full.";

        private int _left = writes;

        public Action? Flushed { get; init; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (_left-- == 0)
                throw new IOException(Message);
            stream.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
            stream.Flush();
            Flushed?.Invoke();
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
