using System.Text;

namespace PageFold.Nbd.Tests.Session;

/// <summary>What clients can be told of an export's blocks, and what they are told.</summary>
public sealed class MetaContextTests : IDisposable
{
    private const string Allocation = "base:allocation";
    private const string Residency = "pagefold:residency";
    private const uint Hole = 1;
    private const uint Zero = 2;

    private readonly Serving _serving = new(
    [
        new NbdExport { Name = "a", Disk = TestDisk.Make(4 << 20) },
        new NbdExport { Name = "b", Disk = TestDisk.Make(4 << 20, pageSize: 65536) },
    ]);

    public void Dispose() => _serving.Dispose();

    public static TheoryData<string[], string[]> Lists() => new()
    {
        { [], [Allocation, Residency] },
        { ["base:"], [Allocation] },
        { ["pagefold:"], [Residency] },
        { ["base:", "pagefold:"], [Allocation, Residency] },
        { [Allocation], [Allocation] },
        { [Allocation, Allocation, "base:"], [Allocation] },
        { ["qemu:dirty-bitmap:x", "base", "", ":", "base:alloc", "BASE:allocation", "base:allocation "], [] },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public void A_list_has_what_the_queries_select(string[] queries, string[] expected)
    {
        using RawClient client = RawClient.Greet(_serving.Unix);
        client.AgreeOnStructuredReplies();
        List<OptionReplied> replies = client.Ask(Option.ListMetaContext, Wire.Contexts("a", queries));
        Assert.Equal(OptionAnswer.Ack, replies[^1].Type);
        Assert.All(replies[..^1], reply => Assert.Equal(OptionAnswer.MetaContext, reply.Type));
        Assert.Equal(expected, replies[..^1].Select(reply => Encoding.UTF8.GetString(reply.Data, 4, reply.Data.Length - 4)));
        // The numbers in a list mean nothing, and the protocol wants them to be zero.
        Assert.All(replies[..^1], reply => Assert.Equal(0u, Wire.ToU32(reply.Data)));
    }

    public static TheoryData<string[], string[]> Sets() => new()
    {
        { [], [] },
        { ["base:"], [] },
        { [Residency, "unknown:context", Allocation], [Allocation, Residency] },
        { [Allocation], [Allocation] },
        { ["unknown:context"], [] },
    };

    [Theory]
    [MemberData(nameof(Sets))]
    public void What_is_set_is_told_by_distinct_numbers(string[] queries, string[] expected)
    {
        using RawClient client = RawClient.Greet(_serving.Unix);
        client.AgreeOnStructuredReplies();
        List<OptionReplied> replies = client.Ask(Option.SetMetaContext, Wire.Contexts("a", queries));
        Assert.Equal(OptionAnswer.Ack, replies[^1].Type);
        Assert.Equal(expected, replies[..^1].Select(reply => Encoding.UTF8.GetString(reply.Data, 4, reply.Data.Length - 4)));
        uint[] numbers = [.. replies[..^1].Select(reply => Wire.ToU32(reply.Data))];
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
        client.Go("a");
        Answer answer = client.Do(Command.BlockStatus, 0, 1 << 20);
        if (numbers.Length == 0)
            Assert.Equal(Errno.Invalid, answer.Error);
        else
            Assert.Equal(numbers.Order(), answer.Extents.Keys.Order());
    }

    [Fact]
    public void Contexts_need_structured_replies()
    {
        using RawClient client = RawClient.Greet(_serving.Unix);
        Assert.Equal(OptionAnswer.Invalid, Assert.Single(client.Ask(Option.SetMetaContext, Wire.Contexts("a", Allocation))).Type);
        client.Go("a");
        Assert.Equal(Errno.Invalid, client.Do(Command.BlockStatus, 0, 4096).Error);
    }

    [Fact]
    public void Contexts_of_one_export_do_not_hold_for_another()
    {
        using RawClient client = RawClient.Greet(_serving.Unix);
        client.AgreeOnStructuredReplies();
        Assert.Equal(2, client.Ask(Option.SetMetaContext, Wire.Contexts("a", Allocation)).Count);
        client.Go("b");
        Assert.Equal(Errno.Invalid, client.Do(Command.BlockStatus, 0, 4096).Error);
    }

    [Fact]
    public void An_export_that_is_not_there_has_no_contexts_and_ends_those_that_were_set()
    {
        using RawClient client = RawClient.Greet(_serving.Unix);
        client.AgreeOnStructuredReplies();
        Assert.Equal(2, client.Ask(Option.SetMetaContext, Wire.Contexts("a", Allocation)).Count);
        Assert.Equal(OptionAnswer.Unknown, Assert.Single(client.Ask(Option.ListMetaContext, Wire.Contexts("c"))).Type);
        Assert.Equal(OptionAnswer.Unknown, Assert.Single(client.Ask(Option.SetMetaContext, Wire.Contexts("c", Allocation))).Type);
        client.Go("a");
        Assert.Equal(Errno.Invalid, client.Do(Command.BlockStatus, 0, 4096).Error);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("named", "")]
    [InlineData("", "named")]
    public void An_export_asked_for_by_no_name_is_the_same_export(string setFor, string chosen)
    {
        using Serving one = new([new NbdExport { Name = "named", Disk = TestDisk.Make() }]);
        using RawClient client = RawClient.Greet(one.Unix);
        client.AgreeOnStructuredReplies();
        Assert.Equal(2, client.Ask(Option.SetMetaContext, Wire.Contexts(setFor, Allocation)).Count);
        Assert.Equal(OptionAnswer.Ack, client.Ask(Option.Go, Wire.Info(chosen))[^1].Type);
        Assert.Equal(Errno.None, client.Do(Command.BlockStatus, 0, 4096).Error);
    }

    [Fact]
    public void Extents_tell_holes_zeros_and_data_also_after_a_trim()
    {
        using RawClient client = _serving.Attach("a", contexts: [Allocation, Residency]);
        client.Write(0, Content.Compressible(3 * 4096, 1));
        client.Write(3 * 4096, Content.Of(4096, 2));
        client.Write(4 * 4096, [.. Enumerable.Repeat((byte)7, 4096)]);
        Assert.Equal(Errno.None, client.Do(Command.WriteZeroes, 5 * 4096, 2 * 4096, Flag.NoHole).Error);
        Dictionary<uint, List<(uint, uint)>> extents = client.Do(Command.BlockStatus, 0, 4 << 20).Extents;
        Assert.Equal([(5 * 4096, 0), (2 * 4096, Zero), ((4 << 20) - 7 * 4096, Hole | Zero)], extents[1]);
        const uint MayFail = 256;
        Assert.Equal([(3 * 4096, 4 | MayFail), (4096, 8), (4096, 2 | MayFail), (2 * 4096, 1 | MayFail), ((4 << 20) - 7 * 4096, MayFail)],
            extents[2]);
        client.Trim(4096, 4096);
        client.Trim(3 * 4096, 2 * 4096 + 100);
        extents = client.Do(Command.BlockStatus, 0, 7 * 4096).Extents;
        // The rest of the page of which a part was trimmed last is still what the client wants no hole in.
        Assert.Equal([(4096, 0), (4096, Hole | Zero), (4096, 0), (2 * 4096, Hole | Zero), (2 * 4096, Zero)], extents[1]);
    }

    [Theory]
    [InlineData("a", 4096)]
    [InlineData("b", 65536)]
    public void A_part_of_a_page_written_as_zeros_without_a_hole_is_told_as_allocated(string export, uint pageSize)
    {
        using RawClient client = _serving.Attach(export, contexts: Allocation);
        Assert.Equal(Errno.None, client.Do(Command.WriteZeroes, pageSize + 512, 1024, Flag.NoHole).Error);
        Assert.Equal(Errno.None, client.Do(Command.Flush, 0, 0).Error);
        List<(uint, uint)> extents = client.Do(Command.BlockStatus, 0, 3 * pageSize).Extents[1];
        Assert.Equal([(pageSize, Hole | Zero), (pageSize, Zero), (pageSize, Hole | Zero)], extents);
        client.Trim(pageSize, pageSize);
        Assert.Equal([(3 * pageSize, Hole | Zero)], client.Do(Command.BlockStatus, 0, 3 * pageSize).Extents[1]);
    }

    [Fact]
    public void Extents_begin_and_end_where_asked_also_within_pages()
    {
        using RawClient client = _serving.Attach("a", contexts: Allocation);
        client.Write(4096, Content.Compressible(4096, 1));
        List<(uint, uint)> extents = client.Do(Command.BlockStatus, 100, 4096 + 200).Extents[1];
        Assert.Equal([(3996, Hole | Zero), (300, 0)], extents);
        Assert.Equal([(1, 0)], client.Do(Command.BlockStatus, 5000, 1).Extents[1]);
    }

    [Fact]
    public void One_extent_is_told_where_one_is_asked_for()
    {
        using RawClient client = _serving.Attach("a", contexts: [Allocation, Residency]);
        client.Write(4096, Content.Compressible(4096, 1));
        Dictionary<uint, List<(uint, uint)>> extents = client.Do(Command.BlockStatus, 100, 100_000, Flag.RequestOne).Extents;
        Assert.Equal([(3996, Hole | Zero)], extents[1]);
        Assert.Single(extents[2]);
        Assert.Equal([(4096, 0)], client.Do(Command.BlockStatus, 4096, 100_000, Flag.RequestOne).Extents[1]);
        Assert.Equal([(50, 0)], client.Do(Command.BlockStatus, 4096, 50, Flag.RequestOne).Extents[1]);
    }

    [Fact]
    public void A_fragmented_disk_is_told_of_in_several_replies_that_add_up()
    {
        const int Pages = 20_000;
        using Serving serving = new(TestDisk.Make(Pages * 4096L));
        byte[] page = Content.Compressible(4096, 1);
        for (int i = 0; i < Pages; i += 2)
            Assert.True(serving.Disk.TryWrite(i * 4096L, page));
        using RawClient client = serving.Attach(contexts: Allocation);
        long at = 0;
        int extents = 0;
        while (at < Pages * 4096L)
        {
            List<(uint Length, uint Flags)> told = client.Do(Command.BlockStatus, (ulong)at, (uint)(Pages * 4096L - at)).Extents[1];
            Assert.NotEmpty(told);
            foreach ((uint length, uint flags) in told)
            {
                Assert.Equal(4096u, length);
                Assert.Equal(at / 4096 % 2 == 0 ? 0 : Hole | Zero, flags);
                at += length;
                extents++;
            }
        }
        Assert.Equal(Pages, extents);
    }

    [Fact]
    public void A_large_hole_is_told_of_at_once()
    {
        using Serving serving = new(TestDisk.Make(1L << 40));
        using RawClient client = serving.Attach(contexts: [Allocation, Residency]);
        Answer answer = client.Do(Command.BlockStatus, 1UL << 39, uint.MaxValue);
        Assert.Equal([(uint.MaxValue, Hole | Zero)], answer.Extents[1]);
    }

    [Fact]
    public void Both_contexts_tell_of_the_same_moment_of_each_page()
    {
        const int Pages = 64;
        using RawClient client = _serving.Attach("a", contexts: [Allocation, Residency]);
        using CancellationTokenSource done = new();
        RamDisk disk = _serving.Exports[0].Disk;
        byte[] data = Content.Compressible(4096, 1);
        Task writer = Task.Factory.StartNew(
            () =>
            {
                Random random = new(1);
                while (!done.IsCancellationRequested)
                {
                    disk.TryWrite(random.Next(Pages) * 4096L, data);
                    disk.Trim(random.Next(Pages) * 4096L, 4096);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try
        {
            for (long deadline = Environment.TickCount64 + 1500; Environment.TickCount64 < deadline;)
            {
                Dictionary<uint, List<(uint Length, uint Flags)>> extents = client.Do(Command.BlockStatus, 0, Pages * 4096).Extents;
                Assert.Equal(EachPage(extents[1]).Select(flags => flags != 0), EachPage(extents[2]).Select(flags => (flags & 31) == 0));
            }
        }
        finally
        {
            done.Cancel();
            writer.Wait(TestContext.Current.CancellationToken);
        }
    }

    private static IEnumerable<uint> EachPage(List<(uint Length, uint Flags)> extents) =>
        extents.SelectMany(extent => Enumerable.Repeat(extent.Flags, (int)extent.Length / 4096));

    [Fact]
    public void Pages_in_the_writeback_file_are_told_as_such()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pagefold-nbd-");
        try
        {
            using Serving serving = new(new RamDisk(new RamDiskOptions
            {
                Length = 64 << 10,
                Store = new PageStoreOptions { MemoryLimit = 16 << 20,
                    Writeback = new WritebackOptions { Path = Path.Combine(folder.FullName, "writeback") } },
            }));
            using RawClient client = serving.Attach(contexts: [Allocation, Residency]);
            byte[] content = Content.Of(8192, 1);
            client.Write(4096, content);
            serving.Disk.Store.WriteBack();
            Dictionary<uint, List<(uint Length, uint Flags)>> extents = client.Do(Command.BlockStatus, 0, 64 << 10).Extents;
            Assert.Equal([(4096u, Hole | Zero), (8192u, 0u), ((64u << 10) - 12288, Hole | Zero)], extents[1]);
            Assert.Equal([(4096u, 256u), (8192u, 16u | 256u), ((64u << 10) - 12288, 256u)], extents[2]);
            Assert.Equal(content, client.Read(4096, 8192));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Pages_in_the_cache_are_data()
    {
        using RawClient client = _serving.Attach("b", contexts: Allocation);
        client.Write(65536 + 10, [1, 2, 3]);
        Assert.Equal([(65536, Hole | Zero), (65536, 0), ((4 << 20) - 2 * 65536, Hole | Zero)], client.Do(Command.BlockStatus, 0, 4 << 20)
            .Extents[1]);
        client.Trim(65536, 65536);
        Assert.Equal([(4 << 20, Hole | Zero)], client.Do(Command.BlockStatus, 0, 4 << 20).Extents[1]);
    }
}
