namespace PageFold.Tests;

/// <summary>Exceptions name options by their properties, and a program can put its own names in their places.</summary>
public sealed class OptionMessageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pagefold-options-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_name_in_a_value_is_no_name_of_an_option()
    {
        string path = Path.Combine(_folder.FullName, "MemoryLimit and Writeback.Path");
        File.WriteAllText(path, "the user's");
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new PageStore(new PageStoreOptions
        {
            MemoryLimit = 64 << 20,
            Writeback = new WritebackOptions { Path = path },
        }));
        Assert.Equal("Path", refused.ParamName);
        Assert.Equal("Writeback.Path", OptionMessage.Of(refused)?.Option);
        string renamed = OptionMessage.Rename(refused, name => name is "Writeback.Path" or "MemoryLimit" ? "--file" : null);
        Assert.StartsWith($"--file {path} holds something else, ", renamed, StringComparison.Ordinal);
        Assert.StartsWith($"Writeback.Path {path} holds something else, ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", renamed, StringComparison.Ordinal);
    }

    [Fact]
    public void All_options_of_a_message_are_renamed_and_others_keep_their_properties()
    {
        ArgumentException refused = Assert.Throws<ArgumentOutOfRangeException>(
            () => new PageStore(new PageStoreOptions { MemoryLimit = 1 << 20, OwnerBytes = 2 << 20 }));
        Assert.Equal("OwnerBytes", refused.ParamName);
        Assert.True(OptionMessage.Of(refused)!.Names("MemoryLimit"));
        Assert.False(OptionMessage.Of(refused)!.Names("Codec"));
        Assert.Equal(
            "OwnerBytes is 2,097,152 bytes, and the limit is 1,048,576 bytes; lower OwnerBytes, or raise the limit.",
            OptionMessage.Rename(refused, name => name == "MemoryLimit" ? "the limit" : null));
    }

    [Fact]
    public void A_name_is_shown_as_the_property_it_stands_for() => Assert.Equal("Writeback.Path", $"{new OptionName("Writeback.Path")}");

    [Fact]
    public void What_finds_no_memory_names_the_limit()
    {
        using ZsPool pool = new(new ZsPoolOptions { MemoryLimit = 128 << 10 });
        MemoryLimitException refused = Assert.Throws<MemoryLimitException>(() =>
        {
            for (int i = 0; i < 1000; i++)
                _ = pool.Allocate(4000);
        });
        Assert.Equal("MemoryLimit", OptionMessage.Of(refused)?.Option);
        Assert.Contains("within --limit (131,072 bytes)", OptionMessage.Rename(refused, _ => "--limit"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_that_names_no_option_keeps_its_text_without_the_parameter()
    {
        Assert.Equal("The text.", OptionMessage.Rename(new ArgumentException("The text.", "argument"), _ => "--x"));
        Assert.Equal("The text.", OptionMessage.Rename(new ArgumentOutOfRangeException("argument", 5, "The text."), _ => "--x"));
        Assert.Equal("Some (Parameter 'x').", OptionMessage.Rename(new InvalidOperationException("Some (Parameter 'x')."), _ => "--x"));
        Assert.Null(OptionMessage.Of(new ArgumentException("The text.", "argument")));
    }
}
