using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace PageFold.Documents;

/// <summary>JSON documents of two shapes, the same for the same seed: orders with nested items, and geo features of sensors.</summary>
/// <remarks>
/// Keys, and words from lists such as names and products, repeat from document to document. Identifiers, amounts, times and coordinates are
/// random.
/// </remarks>
internal sealed class GeneratedDocuments(int seed)
{
    private static readonly string[] Given =
    [
        "Ada", "Amir", "Ana", "Ben", "Carla", "Chen", "Dana", "David", "Elif", "Emma", "Felix", "Fatima", "Georg", "Hanna", "Igor", "Ines",
        "Jan", "Julia", "Kofi", "Lars", "Leila", "Luis", "Maria", "Mei", "Nadia", "Noah", "Olga", "Omar", "Paula", "Peter", "Rosa", "Sven",
    ];

    private static readonly string[] Family =
    [
        "Adams", "Bauer", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen", "Kowalski", "Lindqvist",
        "Martin", "Nakamura", "Okafor", "Pereira", "Quinn", "Rossi", "Schneider", "Tanaka", "Usman", "Vogel", "Weber", "Yilmaz", "Zhang",
    ];

    private static readonly (string City, string Country)[] Cities =
    [
        ("Berlin", "DE"), ("Lyon", "FR"), ("Porto", "PT"), ("Gdansk", "PL"), ("Osaka", "JP"), ("Denver", "US"), ("Austin", "US"),
        ("Toronto", "CA"), ("Bergen", "NO"), ("Graz", "AT"), ("Leeds", "GB"), ("Sevilla", "ES"), ("Torino", "IT"), ("Gent", "BE"),
    ];

    private static readonly string[] Adjectives =
        ["Compact", "Classic", "Wireless", "Folding", "Organic", "Heavy Duty", "Portable", "Stainless", "Waterproof", "Adjustable"];

    private static readonly string[] Things =
    [
        "Desk Lamp", "Water Bottle", "Backpack", "Keyboard", "Coffee Grinder", "Notebook", "Camping Stove", "Headphones", "Office Chair",
        "Bike Light", "Rain Jacket", "Tool Box", "Phone Stand", "Yoga Mat", "Kitchen Scale", "Travel Adapter",
    ];

    private static readonly string[] States = ["pending", "paid", "packed", "shipped", "delivered", "cancelled", "returned"];
    private static readonly string[] Payments = ["credit_card", "paypal", "bank_transfer", "gift_card"];
    private static readonly string[] Models = ["TH-200", "TH-210", "AQ-7", "WX-3000", "NOISE-12", "FLOW-40"];
    private static readonly string[] Quality = ["good", "good", "good", "good", "suspect", "calibrating"];

    private readonly Random _random = new(seed);
    private readonly ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Makes an order.</summary>
    public byte[] Order()
    {
        using Utf8JsonWriter json = Begin();
        string given = Pick(Given);
        string family = Pick(Family);
        (string city, string country) = Pick(Cities);
        json.WriteStartObject();
        json.WriteString("id", new Guid(Bytes(16)));
        json.WriteNumber("number", 100_000_000 + _random.Next(900_000_000));
        json.WriteString("createdAt", Time());
        json.WriteString("status", Pick(States));
        json.WriteStartObject("customer");
        json.WriteNumber("id", _random.Next(1_000_000));
        json.WriteString("name", $"{given} {family}");
        json.WriteString("email", $"{given}.{family}{_random.Next(100)}@example.com".ToLowerInvariant());
        json.WriteStartObject("address");
        json.WriteString("street", $"{Pick(Family)} Street {1 + _random.Next(200)}");
        json.WriteString("city", city);
        json.WriteString("postalCode", _random.Next(10_000, 99_999).ToString(CultureInfo.InvariantCulture));
        json.WriteString("country", country);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("items");
        decimal total = 0;
        for (int items = 1 + _random.Next(4); items > 0; items--)
        {
            int adjective = _random.Next(Adjectives.Length);
            int thing = _random.Next(Things.Length);
            int quantity = 1 + _random.Next(3);
            decimal price = _random.Next(199, 19_999) / 100m;
            total += quantity * price;
            json.WriteStartObject();
            json.WriteString("sku", string.Create(CultureInfo.InvariantCulture, $"SKU-{adjective:00}{thing:00}-{_random.Next(1000):000}"));
            json.WriteString("name", $"{Adjectives[adjective]} {Things[thing]}");
            json.WriteNumber("quantity", quantity);
            json.WriteNumber("unitPrice", price);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("payment");
        json.WriteString("method", Pick(Payments));
        json.WriteString("currency", country is "US" or "CA" ? "USD" : "EUR");
        json.WriteNumber("total", total);
        json.WriteEndObject();
        json.WriteEndObject();
        return End(json);
    }

    /// <summary>Makes a feature of GeoJSON with a sensor's readings.</summary>
    public byte[] Sensor()
    {
        using Utf8JsonWriter json = Begin();
        string model = Pick(Models);
        json.WriteStartObject();
        json.WriteString("type", "Feature");
        json.WriteStartObject("geometry");
        json.WriteString("type", "Point");
        json.WriteStartArray("coordinates");
        json.WriteNumberValue(Near(13.4m, 100_000, 5));
        json.WriteNumberValue(Near(52.5m, 60_000, 5));
        json.WriteNumberValue(Near(40m, 300, 1));
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("deviceId", $"{model}-{Convert.ToHexStringLower(Bytes(4))}");
        json.WriteString("model", model);
        json.WriteString("firmware", $"2.{_random.Next(4)}.{_random.Next(10)}");
        json.WriteNumber("timestamp", 1_700_000_000_000 + _random.NextInt64(31_536_000_000));
        json.WriteNumber("batteryPercent", _random.Next(5, 101));
        json.WriteNumber("signalDbm", -_random.Next(40, 110));
        json.WriteStartArray("readings");
        for (int readings = 1 + _random.Next(5); readings > 0; readings--)
        {
            (string sensor, string unit, decimal value) = _random.Next(5) switch
            {
                0 => ("temperature", "celsius", Near(15m, 1500, 2)),
                1 => ("humidity", "percent", Near(55m, 400, 1)),
                2 => ("pressure", "hectopascal", Near(1013m, 300, 1)),
                3 => ("particulateMatter25", "microgramsPerCubicMeter", Near(20m, 190, 1)),
                _ => ("noiseLevel", "decibel", Near(60m, 350, 1)),
            };
            json.WriteStartObject();
            json.WriteString("sensor", sensor);
            json.WriteNumber("value", value);
            json.WriteString("unit", unit);
            json.WriteString("quality", Pick(Quality));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        return End(json);
    }

    private T Pick<T>(T[] values) => values[_random.Next(values.Length)];

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private string Time() => new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(_random.Next(31_536_000))
        .ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private decimal Near(decimal middle, int spread, byte decimals) =>
        middle + _random.Next(-spread, spread) * new decimal(1, 0, 0, false, decimals);

    private Utf8JsonWriter Begin()
    {
        _buffer.ResetWrittenCount();
        return new Utf8JsonWriter(_buffer);
    }

    private byte[] End(Utf8JsonWriter json)
    {
        json.Flush();
        return _buffer.WrittenSpan.ToArray();
    }
}
