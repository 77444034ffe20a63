using System.Diagnostics;
using System.Net.Sockets;

namespace PageFold.Caching.Tests.Saving;

public class SharedFileTests
{
    private const int Savers = 3;
    private const int Entries = 20;

    [Fact]
    public void Saves_and_loads_of_one_path_at_a_time_all_succeed_and_each_load_is_of_one_save()
    {
        using SavedCaches.Folder folder = new();
        CompressedCache[] caches = [.. Enumerable.Range(0, Savers).Select(Filled)];
        caches[0].Save(folder.File, TestContext.Current.CancellationToken);
        int left = Savers;
        Action Saver(CompressedCache cache) => () =>
        {
            try
            {
                for (int i = 0; i < 100; i++)
                    cache.Save(folder.File);
            }
            finally
            {
                Interlocked.Decrement(ref left);
            }
        };
        void Load()
        {
            do
            {
                using CompressedCache other = SavedCaches.Make(limit: 4 << 20);
                Assert.Equal(new CacheLoadResult(Entries, 0, 0, 0), other.Load(folder.File));
                byte[] first = SavedCaches.Get(other, "0")!;
                for (int i = 1; i < Entries; i++)
                    Assert.Equal(first, SavedCaches.Get(other, $"{i}"));
            }
            while (Volatile.Read(ref left) > 0);
        }
        Parallel.Invoke(new ParallelOptions { MaxDegreeOfParallelism = -1 }, [.. caches.Select(Saver), Load, Load]);
        Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
        foreach (CompressedCache cache in caches)
            cache.Dispose();
    }

    [Fact]
    public async Task A_file_that_is_locked_for_a_moment_is_waited_for()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = Filled(0);
        cache.Save(folder.File, TestContext.Current.CancellationToken);
        Task<CacheLoadResult> load;
        Task<CacheSaveResult> save;
        using (new FileStream(folder.File, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            load = Task.Run(() =>
            {
                using CompressedCache other = SavedCaches.Make();
                return other.Load(folder.File);
            });
            save = Task.Run(() => cache.Save(folder.File));
            await Task.Delay(50, TestContext.Current.CancellationToken);
            Assert.False(load.IsCompleted);
            Assert.False(save.IsCompleted);
        }
        Assert.Equal(Entries, (await load).Loaded);
        Assert.Equal(Entries, (await save).Entries);
        using CancellationTokenSource cancelled = new();
        using (new FileStream(folder.File, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            load = Task.Run(() => cache.Load(folder.File, cancelled.Token));
            await cancelled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
        }
    }

    [Fact]
    public void A_save_leaves_the_partial_file_of_one_that_is_under_way()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache slow = Filled(1);
        using CompressedCache fast = Filled(2);
        slow.Save(folder.File, stream =>
        {
            fast.Save(folder.File);
            Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
            return stream;
        }, TestContext.Current.CancellationToken);
        Assert.Equal([folder.File], Directory.GetFiles(folder.Path));
        using CompressedCache loaded = SavedCaches.Make();
        loaded.Load(folder.File, TestContext.Current.CancellationToken);
        Assert.Equal(SavedCaches.Get(slow, "0"), SavedCaches.Get(loaded, "0"));
    }

    [Fact]
    public async Task Pipes_and_sockets_are_refused_without_being_opened()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes and sockets with names in folders.");
        using SavedCaches.Folder folder = new();
        string pipe = Path.Combine(folder.Path, "pipe");
        using (Process made = Process.Start("mkfifo", pipe))
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        string link = Path.Combine(folder.Path, "link");
        File.CreateSymbolicLink(link, pipe);
        string name = Path.Combine(folder.Path, "socket");
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(name));
        string[] before = Directory.GetFileSystemEntries(folder.Path);
        using CompressedCache cache = SavedCaches.Make();
        foreach (string path in (string[])[pipe, link, name])
        {
            // In another thread, so that a load that waits for ever fails the test and does not hang it.
            Task load = Task.Run(() => cache.Load(path), TestContext.Current.CancellationToken);
            Exception refused = await Assert.ThrowsAsync<CacheFileException>(() =>
                load.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
            Assert.Contains($"{path} is no saved cache: it is an empty file, a pipe, a socket", refused.Message, StringComparison.Ordinal);
            Task save = Task.Run(() => cache.Save(path), TestContext.Current.CancellationToken);
            refused = await Assert.ThrowsAsync<IOException>(() =>
                save.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
            Assert.Contains($"{path} exists and is no saved cache", refused.Message, StringComparison.Ordinal);
            Assert.Contains("a pipe, a socket or a device", refused.Message, StringComparison.Ordinal);
        }
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(folder.Path).Order());
    }

    [Fact]
    public void Folders_and_names_in_no_folder_are_refused_by_the_name_that_was_given()
    {
        using SavedCaches.Folder folder = new();
        using CompressedCache cache = SavedCaches.Make();
        IOException refused = Assert.Throws<IOException>(() => cache.Save(folder.Path));
        Assert.StartsWith($"{folder.Path} is a folder", refused.Message, StringComparison.Ordinal);
        refused = Assert.Throws<IOException>(() => cache.Load(folder.Path));
        Assert.StartsWith($"{folder.Path} is a folder", refused.Message, StringComparison.Ordinal);
        string path = Path.Combine(folder.Path, "none", "cache");
        refused = Assert.Throws<DirectoryNotFoundException>(() => cache.Save(path));
        Assert.StartsWith($"{path} cannot be saved: there is no folder", refused.Message, StringComparison.Ordinal);
        path = Path.Combine(folder.Path, new string('n', 240));
        refused = Assert.ThrowsAny<IOException>(() => cache.Save(path));
        Assert.StartsWith($"{path} cannot be saved", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    private static CompressedCache Filled(int saver)
    {
        CompressedCache cache = SavedCaches.Make(limit: 4 << 20);
        for (int i = 0; i < Entries; i++)
            cache.Set($"{i}", [(byte)saver, .. "value"u8]);
        return cache;
    }
}
