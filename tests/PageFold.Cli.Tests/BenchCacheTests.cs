namespace PageFold.Cli.Tests;

/// <summary><c>pagefold bench cache</c> where it is not: in the command itself.</summary>
public class BenchCacheTests
{
    [Fact]
    public void The_command_says_where_the_comparison_of_caches_is() =>
        Command.AssertRefused("run ./pagefold bench cache in a checkout", "bench", "cache", "--trace", "requests.xz:text", "--json", "-");

    [Fact]
    public void The_command_carries_no_package_of_another_cache()
    {
        string[] files = [.. Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll").Select(Path.GetFileName).OfType<string>()];
        Assert.Contains("PageFold.Cli.dll", files);
        Assert.DoesNotContain(files, file => file.Contains("BitFaster", StringComparison.Ordinal)
            || file.Contains("FusionCache", StringComparison.Ordinal) || file.Contains("Caching.Memory", StringComparison.Ordinal));
    }
}
