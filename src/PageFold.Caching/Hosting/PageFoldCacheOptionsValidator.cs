using System.Globalization;
using Microsoft.Extensions.Options;

namespace PageFold.Caching.Hosting;

/// <summary>Validates the options of a registered cache, so that a mistake ends the start of the application.</summary>
internal sealed class PageFoldCacheOptionsValidator : IValidateOptions<PageFoldCacheOptions>
{
    // A few entries, each of which counts with more than 256 bytes.
    private const int MinFirstLevelBytes = 4096;

    public ValidateOptionsResult Validate(string? name, PageFoldCacheOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (options.Name is { } given && string.IsNullOrWhiteSpace(given))
            Add(nameof(options.Name), $"'{given}'", "a name, or null for the service's key");
        if (options.MemoryLimit is { } limit && limit < CompressedCacheOptions.MinMemoryLimit)
            Add(nameof(options.MemoryLimit), limit, $"at least {CompressedCacheOptions.MinMemoryLimit} bytes, or null");
        if (options.MaxMemoryLimit is { } most && most < (options.MemoryLimit ?? CompressedCacheOptions.MinMemoryLimit))
        {
            string least = options.MemoryLimit is { } own ? $"{nameof(options.MemoryLimit)} ({own} bytes)"
                : $"{CompressedCacheOptions.MinMemoryLimit} bytes";
            Add(nameof(options.MaxMemoryLimit), most, $"at least {least}, or null");
        }
        if (options.MaxEntries is < 1)
            Add(nameof(options.MaxEntries), options.MaxEntries, "at least 1, or null for any number");
        if (options.MaxContentBytes is < 1)
            Add(nameof(options.MaxContentBytes), options.MaxContentBytes, "at least 1 byte, or null for any number");
        if (options.MaxValueBytes < 1)
            Add(nameof(options.MaxValueBytes), options.MaxValueBytes, "at least 1 byte");
        if (options.HotShare is not (>= 0 and <= 0.5))
            Add(nameof(options.HotShare), options.HotShare, "0 to 0.5");
        AddUnlessDefined(nameof(options.Objective), options.Objective);
        AddUnlessDefined(nameof(options.Compression), options.Compression);
        AddUnlessDefined(nameof(options.HybridCacheFirstLevel), options.HybridCacheFirstLevel);
        if (options is { HybridCacheFirstLevel: HybridCacheFirstLevel.Bounded, HybridCacheFirstLevelBytes: < MinFirstLevelBytes })
        {
            Add(
                nameof(options.HybridCacheFirstLevelBytes),
                options.HybridCacheFirstLevelBytes,
                $"at least {MinFirstLevelBytes} bytes, or {nameof(options.HybridCacheFirstLevel)} {nameof(HybridCacheFirstLevel.Off)}");
        }
        return result.Build();

        void AddUnlessDefined<TEnum>(string option, TEnum value)
            where TEnum : struct, Enum
        {
            if (!Enum.IsDefined(value))
                Add(option, value, string.Join(", ", Enum.GetNames<TEnum>()));
        }

        void Add(string option, object? value, string choice) => result.AddError(
            string.Create(CultureInfo.InvariantCulture, $"{option} of the PageFold cache{Of(name)} is {value}; choose {choice}."));
    }

    private static string Of(string? name) => string.IsNullOrEmpty(name) ? string.Empty : $" '{name}'";
}
