namespace PageFold.Tests;

/// <summary>
/// The README's code compiles and runs: each of its C# blocks stands in a test, line for line. Those of the core stand here, those of the
/// disk in ReadmeDiskTests, those of the cache in ReadmeCacheTests.
/// </summary>
public class ReadmeTests
{
    [Fact]
    public void The_store_example_runs()
    {
        byte[] bytes = new byte[4096];
        Pages.Fill(bytes, 1);
        byte[] buffer = new byte[4096];

        using PageStore store = new(new PageStoreOptions { PageSize = 4096, MemoryLimit = 1L << 30 });
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
        using (ZsMap map = pool.Map(handle, MapMode.Write))       // contiguous while it is mapped
            data.CopyTo(map.Span);
        pool.Read(handle, offset: 100, buffer);                   // copies a part
        pool.Free(handle);                                        // refused while it is mapped
        CompactionResult result = pool.Compact();

        Assert.Equal(data[100..132], buffer);
        Assert.Equal(0, result.ObjectsMoved);
    }

    [Fact]
    public void Every_code_block_of_the_readme_stands_in_a_test()
    {
        string[] tests =
        [
            "tests/PageFold.Tests/ReadmeTests.cs", "tests/PageFold.Nbd.Tests/ReadmeDiskTests.cs",
            "tests/PageFold.Caching.Tests/ReadmeCacheTests.cs",
        ];
        string readme = DocumentedSnippets.Read("README.md");
        Assert.Empty(DocumentedSnippets.Missing(readme, tests.Select(DocumentedSnippets.Read), out int blocks));
        Assert.Equal(4, blocks);
    }

    [Fact]
    public void A_code_block_that_stands_in_no_test_is_found()
    {
        const string Document = "Text.\n```csharp\nint a = 1;\nint b = 2;\n```\n```sh\nls\n```\n```csharp\nint c = 3;\n```\n";
        string[] sources = ["{ int a = 1;   // first\n }", "{\n    int a = 1;\n    int b = 2;\n}"];
        Assert.Equal("int c = 3;\n", Assert.Single(DocumentedSnippets.Missing(Document, sources, out int blocks)));
        Assert.Equal(2, blocks);
    }
}
