using System.Text.RegularExpressions;

namespace PageFold.Tests;

/// <summary>The README's code compiles and runs: each of its C# blocks stands here too, line for line.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void The_store_example_runs()
    {
        byte[] bytes = new byte[4096];
        Pages.Fill(bytes, 1);
        byte[] buffer = new byte[4096];

        using PageStore store = new(new PageStoreOptions { PageSize = 4096, Codec = PageCodec.Lz4, MemoryLimit = 1L << 30 });
        StoreOutcome outcome = store.Write(page: 17, bytes);      // Stored, SameFilled, Incompressible, or Full
        bool found = store.TryRead(17, buffer);                   // false: never stored, or discarded
        store.Discard(first: 0, count: 1 << 20);
        PageStoreStatistics statistics = store.GetStatistics();   // zram's figures, and every byte held

        Assert.Equal(StoreOutcome.Incompressible, outcome);
        Assert.True(found);
        Assert.Equal(bytes, buffer);
        Assert.Equal(0, statistics.Pages);
    }

    [Fact]
    public void The_pool_example_runs()
    {
        byte[] data = new byte[1632];
        Pages.Fill(data, 1);
        byte[] buffer = new byte[32];

        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 1L << 30 });
        ZsHandle handle = pool.Allocate(1632);                    // zeros, in one frame or in two that are not neighbours
        using (ZsMap map = pool.Map(handle, MapMode.Write))       // contiguous while mapped; starts as zeros; stack-only
            data.CopyTo(map.Span);
        pool.Read(handle, offset: 100, buffer);                   // copies a part
        using (ZsReadView view = pool.ViewRead(handle))           // never copies: one part or two
            Console.WriteLine(view.First.Length + view.Second.Length);
        pool.Free(handle);                                        // refused while mapped
        CompactionResult result = pool.Compact();

        Assert.Equal(data[100..132], buffer);
        Assert.Equal(0, result.ObjectsMoved);
    }

    [Fact]
    public void Every_code_block_of_the_readme_stands_in_this_file()
    {
        string root = ArchitectureTests.Root();
        string source = Squeeze(File.ReadAllText(Path.Combine(root, "tests", "PageFold.Tests", "ReadmeTests.cs")));
        MatchCollection blocks = CodeBlock().Matches(File.ReadAllText(Path.Combine(root, "README.md")));
        Assert.Equal(2, blocks.Count);
        Assert.All(blocks, block => Assert.Contains(Squeeze(block.Groups[1].Value), source, StringComparison.Ordinal));
    }

    private static string Squeeze(string text) => Space().Replace(text, " ").Trim();

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
