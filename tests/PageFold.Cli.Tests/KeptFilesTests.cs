using PageFold.Cli.Serve;

namespace PageFold.Cli.Tests;

/// <summary>A kept file has one holder at a time, whatever the order in which holders come and go.</summary>
public class KeptFilesTests
{
    [Fact]
    public async Task Of_many_that_come_and_go_one_holds_the_file_at_a_time()
    {
        using ServeFolder folder = new();
        ExportOptions[] exports = [new("disk") { Keep = folder["kept"] }];
        int inside = 0;
        int held = 0;
        int together = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            for (int round = 0; round < 2000; round++)
            {
                try
                {
                    using KeptFiles kept = new(exports);
                    if (Interlocked.Increment(ref inside) != 1)
                        Interlocked.Increment(ref together);
                    Interlocked.Increment(ref held);
                    Thread.Yield();
                    Interlocked.Decrement(ref inside);
                }
                catch (UserErrorException e)
                {
                    Assert.Contains("another disk that is being served", e.Message, StringComparison.Ordinal);
                }
            }
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal(0, together);
        Assert.InRange(held, 4, 8000);
        AssertNothingLeft(folder);
    }

    [Fact]
    public void Of_several_files_all_are_held_or_none()
    {
        using ServeFolder folder = new();
        ExportOptions[] both = [new("a") { Keep = folder["a"] }, new("b") { Keep = folder["b"] }];
        using (KeptFiles one = new(both[1..]))
            Assert.Throws<UserErrorException>(() => new KeptFiles(both));
        using (KeptFiles other = new(both[..1]))
            Assert.True(File.Exists(folder["a.pagefold-keeping"]));
        AssertNothingLeft(folder);
    }

    [Fact]
    public void A_file_of_that_name_that_belongs_to_another_program_stays()
    {
        using ServeFolder folder = new();
        ExportOptions[] exports = [new("disk") { Keep = folder["kept"] }];
        File.WriteAllText(folder["kept.pagefold-keeping"], "mine");
        using (KeptFiles kept = new(exports))
            Assert.Throws<UserErrorException>(() => new KeptFiles(exports));
        Assert.Equal("mine", File.ReadAllText(folder["kept.pagefold-keeping"]));
    }

    [Fact]
    public void A_link_that_leads_in_a_circle_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using ServeFolder folder = new();
        File.CreateSymbolicLink(folder["a"], "b");
        File.CreateSymbolicLink(folder["b"], "a");
        string message = Assert.Throws<UserErrorException>(() => new KeptFiles([new("disk") { Keep = folder["a"] }])).Message;
        Assert.All([$"--keep {folder["a"]}", "in a circle", "choose"], part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_of_that_name_is_not_followed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using ServeFolder folder = new();
        File.CreateSymbolicLink(folder["kept.pagefold-keeping"], folder["elsewhere"]);
        Assert.Contains(
            "it is a link", Assert.Throws<UserErrorException>(() => new KeptFiles([new("disk") { Keep = folder["kept"] }])).Message,
            StringComparison.Ordinal);
        Assert.False(File.Exists(folder["elsewhere"]));
    }

    [Fact]
    public void A_file_that_took_the_name_meanwhile_keeps_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere a file that is in use keeps its name, or the mark stays.");
        using ServeFolder folder = new();
        ExportOptions[] exports = [new("disk") { Keep = folder["kept"] }];
        using KeptFiles first = new(exports);
        // As another program or a user may do.
        File.Delete(folder["kept.pagefold-keeping"]);
        using (KeptFiles second = new(exports))
        {
            first.Dispose();
            Assert.Throws<UserErrorException>(() => new KeptFiles(exports));
            Assert.True(KeptFiles.IsHeld(folder["kept"]));
        }
        Assert.False(KeptFiles.IsHeld(folder["kept"]));
        AssertNothingLeft(folder);
    }

    private static void AssertNothingLeft(ServeFolder folder)
    {
        if (OperatingSystem.IsLinux())
            Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }
}
